"""Separators: the bytes that stand between items and belong to none.

White space, commas, brackets of arrays, byte order marks, NUL bytes (a log file cut by copytruncate), record
separators (RFC 7464), the end mark of DOS. Also: does what follows a value show that it has ended?
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
MAX_ARRAY_DEPTH: Final = 8
"""Arrays in arrays are opened down to here; deeper ones are values."""
LOOKAHEAD_BYTES: Final = 4096

BLANKS: Final = b" \t\r\n\x0b\x0c"
_ODD_BYTES: Final = b"\0\x1e\x1a"
SEPARATOR_BYTES: Final = frozenset(BLANKS + _ODD_BYTES + b",[" + BYTE_ORDER_MARK)
"""What may stand directly before an item, seen from it."""

_SEPARATORS = re.compile(
    rb"[ \t\r\n\x0b\x0c\x00\x1e\x1a,]*+(?:\xef\xbb\xbf[ \t\r\n\x0b\x0c\x00\x1e\x1a,]*+)*+"
)
_BRACKETS = re.compile(rb"[\[\] \t\r\n,]{256,}")
_KEY = rb'"(?:[^"\\\x00-\x1f]|\\.){0,512}'
_MEMBER = re.compile(
    rb"\}*+(?:[ \t\r\n]*+,[ \t\r\n]*+|[ \t]*+)" + _KEY + rb'"[ \t\r\n]*+:', re.DOTALL
)
_MEMBER_BEGUN = re.compile(
    rb"\}*+[ \t\r\n]*+(?:,[ \t\r\n]*+)?(?:" + _KEY + rb'\\?(?:"[ \t\r\n]*+)?)?', re.DOTALL
)
_NEXT = re.compile(rb"[ \t\r]*+(?:,[ \t\r\n]*+)?")
_ENDERS: Final = frozenset(b"\n\0\x1e\x1a\xef")
_OBJECT = re.compile(
    rb"\{[ \t\r\n]{0,512}(?:" + _KEY + rb'"[ \t\r\n]{0,512}:|[}\'A-Za-z_])', re.DOTALL
)
"""An object as it begins, also one of Python or JavaScript; in the text of a note stands no key."""


def separators_end(content: bytes, at: int) -> int:
    """Where the run of separators (brackets apart) that begins at `at` ends."""
    found = _SEPARATORS.match(content, at)
    assert found is not None  # it matches nothing too
    return found.end()


def is_cut_mark(content: bytes, at: int) -> bool:
    """True if the content ends inside a byte order mark."""
    return len(content) - at < len(BYTE_ORDER_MARK) and BYTE_ORDER_MARK.startswith(content[at:])


def brackets_end(content: bytes, at: int, depth: int) -> tuple[int, int]:
    """Take a long run of brackets and separators at once; gives its end and the depth there."""
    found = _BRACKETS.match(content, at)
    if found is None:
        return at, depth
    run = np.frombuffer(content, np.uint8, found.end() - at, at)
    step = (run == ord("[")).astype(np.int64) - (run == ord("]"))
    depths = depth + np.cumsum(step)
    beyond = np.flatnonzero((depths < 0) | (depths > MAX_ARRAY_DEPTH))
    count = int(beyond[0]) if len(beyond) else len(run)
    return at + count, int(depths[count - 1]) if count else depth


def is_member_next(content: bytes, end: int, *, is_last: bool) -> bool | None:
    """True if an object that seems to end at `end` goes on: its next member follows.

    Then a bracket too many has closed it early. None when more bytes are needed to know.
    """
    if _MEMBER.match(content, end):
        return True
    is_known = is_last or len(content) - end > LOOKAHEAD_BYTES
    return False if is_known or not _MEMBER_BEGUN.fullmatch(content, end) else None


def is_end(content: bytes, end: int, *, depth: int, is_last: bool) -> bool | None:
    """True if what follows `end` may stand behind an item; `depth` counts the arrays around it.

    None when more bytes are needed to know.
    """
    found = _NEXT.match(content, end)
    assert found is not None  # it matches nothing too
    at = found.end()
    if at == len(content):
        return True if is_last or at - end > LOOKAHEAD_BYTES else None
    byte = content[at]
    if byte == ord("{"):
        return _OBJECT.match(content, at) is not None
    if byte in _ENDERS:
        return True
    if byte == ord("]") and depth > 0:
        return is_end(content, at + 1, depth=depth - 1, is_last=is_last)
    has_comma = b"," in found[0]
    if not has_comma:
        return byte == ord("[")
    if byte == ord('"'):
        is_member = is_member_next(content, end, is_last=is_last)
        return None if is_member is None else not is_member
    return byte in b"[-0123456789tfn"
