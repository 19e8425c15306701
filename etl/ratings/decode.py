"""Bytes of a saved file into text: Unicode first, then what the page declares, then Windows."""

from __future__ import annotations

import codecs
import re

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DECLARED = re.compile(rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?([\w-]+)""")
_LAST_RESORT = "windows-1252"


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
