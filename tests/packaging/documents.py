"""Reads the project's pages: code in them, commands in the code, links and headings.

What a page must hold true is said in the tests.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*(\w*) ?(.*)")
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$")
_ASSIGNMENT = re.compile(r"[A-Z][A-Z0-9_]*=")
_SEPARATORS = {"|", "||", "&&", ";", "&"}


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, its text, and what stands behind the language."""

    language: str
    text: str
    options: str = ""


def pages() -> list[Path]:
    """Every page of the project, by name."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def page_name(page: Path) -> str:
    """The page as it is named from the project's root."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    fence, language, options, inside = "", "", "", []
    for line in page.read_text("utf-8").splitlines():
        found = _FENCE.match(line)
        if fence:
            if found and found[1] == fence:
                yield Block(language, "\n".join(inside), options)
                fence = ""
            else:
                inside.append(line)
        elif found:
            fence, language, options, inside = found[1], found[2], found[3].strip(), []


def prose(page: Path) -> Iterator[str]:
    """The lines of a page outside of fenced blocks."""
    fence = ""
    for line in page.read_text("utf-8").splitlines():
        found = _FENCE.match(line)
        if found and not fence:
            fence = found[1]
        elif found and found[1] == fence:
            fence = ""
        elif not fence:
            yield line


def spans(page: Path) -> Iterator[str]:
    """The code spans of a page."""
    for line in prose(page):
        yield from _SPAN.findall(line)


def code_lines(page: Path) -> Iterator[str]:
    """Every piece of code of a page that may hold a command: blocks, indented lines, spans."""
    for block in blocks(page):
        yield from block.text.replace("\\\n", " ").splitlines()
    yield from (line for line in prose(page) if line.startswith("    "))
    yield from spans(page)


def commands(lines: Iterator[str], program: str) -> Iterator[list[str]]:
    """The words after `program`, for each call of it."""
    for line in lines:
        for call in _calls(line) if program in line else ():
            if call and call[0].rpartition("/")[2] == program:
                yield call[1:]


def _calls(line: str) -> Iterator[list[str]]:
    """A line's calls, without the prompt, assignments before a program, and redirections."""
    lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # an apostrophe: this is no shell
        return
    call: list[str] = []
    for word in [*words, ";"]:
        if word in _SEPARATORS:
            yield call
            call = []
        elif call or not _ASSIGNMENT.match(word):
            call.append(word)


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links and pictures."""
    for line in prose(page):
        for found in _LINK.finditer(_SPAN.sub("", line)):
            yield found[1] or found[2]


def anchors(page: Path) -> set[str]:
    """The names by which a page's headings can be linked."""
    found = (_HEADING.match(line) for line in prose(page))
    return {_slug(heading[1]) for heading in found if heading}


def _slug(heading: str) -> str:
    plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return plain.replace(" ", "-")
