"""Values: where one JSON value ends that begins at a given byte, and whether it is valid.

One reading by msgspec says both, and stops at the first byte that cannot be. It is as lenient as
`etl.framing.validity`: what has a quarantine reason of its own is a whole value. Where nothing says
which bytes are a value, `etl.framing.damage` looks for the end.
"""

from __future__ import annotations

import re
from enum import IntEnum

import msgspec

from etl.framing.structure import end_of_first_value
from etl.framing.validity import WHITESPACE, is_json_value

MAX_HELD_BYTES = 64 * 2**20
"""A value is held until it ends, but no longer than this: the load refuses larger ones anyway."""

_decode = msgspec.json.Decoder(msgspec.Raw).decode
_PLACE = re.compile(r"\(byte (\d+)\)")
_NUMBER_BYTES = frozenset(b"-+.eE0123456789")
_TRAILING = "trailing characters"
_FIRST_WINDOW = 4096
_NEAR_BYTES = 16
_FORGIVEN = (b"NaN", b"Infinity", b"\\u")


class Reading(IntEnum):
    """What reading a value came to."""

    WHOLE = 0
    CUT = 1
    DAMAGED = 2
    DEEP = 3


WHOLE, CUT, DAMAGED, DEEP = Reading
_Read = tuple[Reading, int]


def read_value(view: memoryview, at: int) -> _Read:
    """Read the value that begins at `at`; gives how it went and where.

    WHOLE: one position after its last byte. CUT: all bytes to the end of the view may begin a
    value. DAMAGED: the first byte that no value has there. DEEP: nested deeper than can be read.
    """
    state, place = _read_strictly(view, at)
    if state is DAMAGED or state is CUT:
        near = bytes(view[max(at, place - _NEAR_BYTES) : place + _NEAR_BYTES])
        if any(odd in near for odd in _FORGIVEN):
            return _read_leniently(view, at, place)
    return state, place


def _read_strictly(view: memoryview, at: int) -> _Read:
    try:
        _decode(view[at:])
    except msgspec.DecodeError as error:
        text = str(error)
        found = _PLACE.search(text)
        if found is None:
            return CUT, len(view)
        place = at + int(found[1])
        if _TRAILING in text:  # told by the position after the first byte that trails
            return WHOLE, _strip_end(view, place - 1)
        if place >= len(view) - 1 and view[-1] in _NUMBER_BYTES:  # a number may go on
            return CUT, len(view)
        return DAMAGED, place
    except RecursionError:
        return DEEP, at
    return WHOLE, _strip_end(view, len(view))


def _strip_end(view: memoryview, end: int) -> int:
    while view[end - 1] in WHITESPACE:
        end -= 1
    return end


def _read_leniently(view: memoryview, at: int, place: int) -> _Read:
    """By its brackets; valid when it is but for NaN, Infinity and lone surrogates."""
    size = _FIRST_WINDOW
    while True:
        text = bytes(view[at : at + size])
        end = end_of_first_value(text)
        if end is not None:
            return (WHOLE, at + end) if is_json_value(text[:end]) else (DAMAGED, place)
        if at + size >= len(view):
            return (CUT, len(view)) if text[:1] in (b"{", b"[") else (DAMAGED, place)
        size *= 2
