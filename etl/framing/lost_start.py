"""Lost starts: is a member behind an object its own, or what is left of a neighbor?

Behind `{...}` may stand `,"Name": ...}`. Either a bracket too many has closed the object early, or the
next item has lost its start, which costs that item alone. It is a neighbor's when it has a Meta of its
own, or closes more objects than one bracket too many leaves open.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Final

import numpy as np

from etl.framing.structure import CLOSE_BRACE, Marks, StructureScanner
from etl.framing.values import WHOLE, read_value
from etl.framing.visible import has_meta

REACH_BYTES: Final = 2**14
"""What is left of a neighbor is looked for in so many bytes."""
_MESSAGE = re.compile(rb'(?<!:)(?<!:[ \t\r\n])\{[ \t\r\n]{0,64}"Meta"[ \t\r\n]{0,64}:')
_OPENER = re.compile(rb'(?<!:)(?<!:[ \t\r\n])\{[ \t\r\n]{0,64}"')
_MOST_TRIES = 64
_META = re.compile(rb'"Meta"[ \t\r\n]{0,64}:')


def find_lost_start(content: bytes, at: int, end: int, *, is_last: bool) -> int | None:
    """Return where a neighbor without its start ends that follows the object from `at` to `end`.

    0 when the object itself goes on there; None when more bytes are needed to know.
    """
    if not has_meta(content[at:end]):
        return 0
    if len(content) - end < REACH_BYTES and not is_last:
        return None
    stop = min(end + REACH_BYTES, len(content))
    following = _MESSAGE.search(content, end, stop)
    rest = content[end : following.start() if following else stop]
    last = _end_in(rest)
    if last and (message_at := _begin_of_message(rest[:last])):
        last = _end_in(rest[:message_at])
    return end + last if last else 0


def _end_in(rest: bytes) -> int:
    return max(_end_by_meta(rest), _end_by_braces(rest))


def _begin_of_message(rest: bytes) -> int:
    """Where the first message begins whose Meta is not its first key, 0 where none is seen."""
    openers = [one.start() for one in _OPENER.finditer(rest)]
    tries = _MOST_TRIES
    with memoryview(rest) as view:
        for sign in _META.finditer(rest):
            before = openers[: bisect_left(openers, sign.start())]
            for opener in reversed(before[-tries:]):
                tries -= 1
                state, end = read_value(view, opener)
                if state is WHOLE and end > sign.start():
                    return opener if has_meta(view[opener:end]) else 0
            if tries <= 0:
                break
    return 0


def _end_by_meta(rest: bytes) -> int:
    """Where a rest ends that holds Meta as the object before it does, 0 when it does not."""
    for found in _META.finditer(rest):
        marks = _scan(rest, is_in_string=rest.count(b'"', 0, found.start()) % 2 == 1)
        before = int(np.searchsorted(marks.at, found.start()))
        if before == 0 or marks.depth[before - 1] <= 0:
            return _last_unmatched(rest, marks)
    return 0


def _end_by_braces(rest: bytes) -> int:
    """Where a rest ends that closes two objects or more which it did not open, 0 when it does not."""
    marks = _scan(rest, is_in_string=False)
    braces = [at for at in _unmatched(marks) if rest[at] == CLOSE_BRACE]
    return braces[-1] + 1 if len(braces) > 1 else 0


def _last_unmatched(rest: bytes, marks: Marks) -> int:
    braces = [at for at in _unmatched(marks) if rest[at] == CLOSE_BRACE]
    return braces[-1] + 1 if braces else 0


def _unmatched(marks: Marks) -> list[int]:
    """Places of the brackets that close what was not opened in the rest."""
    lowest = np.minimum.accumulate(np.minimum(marks.depth, 0))
    is_new = np.diff(lowest, prepend=0) < 0
    places: list[int] = marks.at[is_new].tolist()
    return places


def _scan(rest: bytes, *, is_in_string: bool) -> Marks:
    """Mark the brackets of a rest, which may begin inside of a string."""
    marks = StructureScanner().scan((b'"' if is_in_string else b" ") + rest)
    return Marks(marks.at - 1, marks.step, marks.depth)
