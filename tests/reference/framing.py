"""A slow second opinion on framing: which messages can be found in any text, with the standard library.

Tries every opening brace, from the first on. Shares no code and no idea with the framer: no layout,
no balance of brackets, no chunks.
"""

from __future__ import annotations

import json
import re

_DECODER = json.JSONDecoder()
_BEFORE = " \t\r\n\x0b\x0c\0\x1e\x1a\ufeff,["
_MEMBER = re.compile(r'\}*(?:\s*,\s*|[ \t]*)"(?:[^"\\]|\\.)*"\s*:')


def find_messages(content: bytes) -> list[bytes]:
    """Every object with Meta that is no value of another object, in order, as written."""
    text = content.decode("latin-1").replace("\xef\xbb\xbf", "\ufeff\ufeff\ufeff")
    found: list[bytes] = []
    at = text.find("{")
    while at >= 0:
        end = _end_of_object(text, at)
        if end and _is_message(text[at:end]) and not _is_value(text, at):
            found.append(content[at:end])
        at = text.find("{", max(end, at + 1))
    return found


def _end_of_object(text: str, at: int) -> int:
    """Where the object that begins at `at` ends; 0 when there is none, or it ends too early."""
    try:
        _, end = _DECODER.raw_decode(text, at)
    except (json.JSONDecodeError, RecursionError):
        return 0
    return 0 if _MEMBER.match(text, end) else end


def _is_message(text: str) -> bool:
    return isinstance(json.loads(text).get("Meta"), dict)


def _is_value(text: str, at: int) -> bool:
    """Whether a colon stands before it, with nothing but separators between."""
    return text[:at].rstrip(_BEFORE).endswith(":")
