"""Saved files into pages: finds them, decodes them, tells HTML from text.

Text is Unicode first, then what the page declares, then Windows-1252.
What is no readable page is refused with a reason and never quoted: a wrong file may hold anything.
"""

from __future__ import annotations

import codecs
import email
import email.policy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from etl.ratings.from_html import read_html
from etl.ratings.from_text import mark_samples, split_lines
from etl.ratings.records import LineKind, Page, Refusal, TextLine

PAGE_SUFFIXES = frozenset({".html", ".htm", ".xhtml", ".mht", ".mhtml", ".txt", ".text", ".md"})
SITE = "redoxengine.com"
INDEX_NAMES = ("index.html", "index.htm")
MAX_PAGE_BYTES = 16 * 2**20
_HTML_SIGN = re.compile(
    r"\s*(?:<\?xml|<!--|<!doctype\s+html|<(?:html|head|body|main|div|ul|table|dl|p|h1|pre)\b)",
    re.IGNORECASE,
)
_ARCHIVE_SIGN = re.compile(rb"^MIME-Version:", re.MULTILINE | re.IGNORECASE)
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]*|!doctype[^<>]*)>", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:[A-Za-z ]{1,20}:\s*)?(https?://\S+)")
_LONGEST_TITLE = 120
_SIGN_BYTES = 4096
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DECLARED = re.compile(rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?([\w-]+)""")
_LAST_RESORT = "windows-1252"


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file to read; `is_asked` when the user named it rather than its folder.

    `name` is what it is called: its path below the folder named, so that the many `index.html` of a
    mirrored site differ.
    """

    path: Path
    is_asked: bool
    name: str


def find_files(paths: Iterable[Path]) -> list[SavedFile]:
    """The files named, and the pages of every folder named, at any depth, sorted.

    Those are files whose name ends like a page's, and HTML whatever its name: mirrors of a site name
    files after addresses.
    """
    found: dict[Path, SavedFile] = {}
    for path in paths:
        members = _members(path) if path.is_dir() else [SavedFile(path, True, path.name)]
        for file in members:
            found.setdefault(file.path.resolve(), file)
    return list(found.values())


def _members(folder: Path) -> list[SavedFile]:
    return [
        SavedFile(path, False, path.relative_to(folder).as_posix())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (path.suffix.lower() in PAGE_SUFFIXES or _begins_as_html(path))
    ]


def _begins_as_html(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(_HTML_SIGN.match(file.read(_SIGN_BYTES).decode("utf-8", "replace")))
    except OSError:
        return False


def _mirrored_address(path: Path) -> str:
    """The address of a page in a mirror of the site: its path from the folder named like a host."""
    parts = path.absolute().parts
    hosts = [at for at, part in enumerate(parts[:-1]) if part.endswith(SITE)]
    if not hosts:
        return ""
    last = "" if parts[-1] in INDEX_NAMES else parts[-1]
    return "https://" + "/".join([*parts[hosts[-1] : -1], last])


def read_page(path: Path, name: str = "") -> Page | Refusal:
    """Read one saved page, called `name`; a refusal says what is wrong with the file.

    Where the page does not say where it is from, its place in a mirror of the site does.
    """
    page = _read_page(path, name or path.name)
    if isinstance(page, Page) and not page.address:
        return replace(page, address=_mirrored_address(path))
    return page


def _read_page(path: Path, name: str) -> Page | Refusal:
    try:
        if path.stat().st_size > MAX_PAGE_BYTES:
            limit = MAX_PAGE_BYTES // 2**20
            return Refusal(
                name, f"is larger than {limit} MB, which no page is; save the page on its own"
            )
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "unknown fault").lower()
        return Refusal(name, f"cannot be opened ({reason}); check the path")
    return to_page(content, name)


def to_page(content: bytes, name: str) -> Page | Refusal:
    """Tell what kind of page `content` is and read its lines."""
    if not content.strip():
        return Refusal(name, "is empty; save the page again")
    address = ""
    if _ARCHIVE_SIGN.search(content[:8192]) and b"multipart/" in content[:8192]:
        content, address = _open_archive(content)
    if is_binary(content):
        return Refusal(name, "is neither text nor HTML; save the page as HTML or text")
    text, encoding = decode(content)
    page = (_html_page if _is_html(text, name) else _text_page)(text, name)
    if not page.lines:
        return Refusal(name, "shows no text; save the page after it has loaded")
    notes = () if encoding == "utf-8" else (f"is not UTF-8, read as {encoding}",)
    return replace(page, address=address or page.address, notes=notes)


def _open_archive(content: bytes) -> tuple[bytes, str]:
    """The HTML and the address within a single-file archive (MHTML)."""
    archive = email.message_from_bytes(content, policy=email.policy.compat32)
    address = str(archive.get("Snapshot-Content-Location", ""))
    for part in archive.walk():
        if part.get_content_type() == "text/html":
            payload = part.get_payload(decode=True)
            return (payload if isinstance(payload, bytes) else b""), address
    return b"", address


def _is_html(text: str, name: str) -> bool:
    if _HTML_SIGN.match(text):
        return True
    return name.lower().endswith(("html", "htm", "mht")) and bool(_TAG.search(text))


def _html_page(text: str, name: str) -> Page:
    html = read_html(text)
    return Page(
        name=name,
        title=_short(html.title),
        address=html.address,
        lines=html.lines,
        is_plain=False,
        is_cut=not text.rstrip().endswith(">"),
    )


def _text_page(text: str, name: str) -> Page:
    lines = tuple(mark_samples(split_lines(text)))
    return Page(
        name=name,
        title=_short(_first_words(lines)),
        address=next(_addresses(lines), ""),
        lines=lines,
        is_plain=True,
        is_cut=not text.endswith(("\n", "\r")),
    )


def _first_words(lines: tuple[TextLine, ...]) -> str:
    """The first line that could be a title; the lines of a wrong file are never shown."""
    for line in lines[:5]:
        if line.kind is LineKind.TEXT and not _ADDRESS.fullmatch(line.text):
            return line.text if len(line.text) <= _LONGEST_TITLE else ""
    return ""


def _addresses(lines: tuple[TextLine, ...]) -> Iterator[str]:
    for line in lines[:40]:
        match = _ADDRESS.fullmatch(line.text)
        if match:
            yield match[1]


def _short(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"


def decode(content: bytes) -> tuple[str, str]:
    """The text and the encoding it was read in; bytes that fit none become question marks."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, "replace"), "utf-8"
    try:
        # A page that was cut may end within a character: that one is left out.
        return codecs.getincrementaldecoder("utf-8")().decode(content), "utf-8"
    except UnicodeDecodeError:
        encoding = _declared(content)
        return content.decode(encoding, "replace"), encoding


def is_binary(content: bytes) -> bool:
    """True if the bytes are not text in any encoding."""
    return b"\0" in content and not content.startswith(tuple(_MARKS))


def _declared(content: bytes) -> str:
    match = _DECLARED.search(content[:4096])
    try:
        name = codecs.lookup(match[1].decode("ascii")).name if match else _LAST_RESORT
    except (LookupError, UnicodeDecodeError):
        return _LAST_RESORT
    return _LAST_RESORT if name in ("utf-8", "ascii", "iso8859-1") else name
