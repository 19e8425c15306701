"""Array: frames the elements of one JSON array; an element that is no object is an item too."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from etl.landing.structure import CLOSE_BRACKET, COMMA, Marks
from etl.landing.validity import WHITESPACE, are_json_values
from etl.landing.values import ValueFramer


class ArrayFramer(ValueFramer):
    """Frames what stands between the commas of an array that begins at `start`."""

    def __init__(self, start: int) -> None:
        super().__init__(start, with_commas=True)
        self._is_begun = False
        self._is_closed = False
        self._is_after_comma = False

    def find_values(self, chunk: bytes) -> None:
        position = 0 if self._is_begun else len(chunk[:1])
        self.separator_bytes += position
        self._is_begun = self._is_begun or bool(chunk)
        if self._is_closed:
            self.pass_gap(chunk, self._at)
            return
        ends = _select_ends(self._scanner.scan(chunk))
        for count, end in enumerate(ends):
            self._end_element(chunk[position:end], end=self._at + end, ender=chunk[end])
            position = end + 1
            if count == 0 and self._end_valid_elements(chunk, ends):
                position = ends[-1] + 1
                break
            if self._broken_at is not None:
                return
        if self._is_closed:
            self.pass_gap(chunk[position:], self._at + position)
        else:
            self.hold(self._begin_element(chunk[position:], self._at + position))

    def end_unfinished(self, open_at: int) -> None:
        """The closing bracket is missing: a complete last object still counts."""
        if self._is_held_whole and self._held.startswith((b"{", b"[")):
            self.end_value(open_at, b"", end=self._at)
        else:
            self.break_at(open_at)

    def _end_valid_elements(self, chunk: bytes, ends: list[int]) -> bool:
        """Take the elements between the ends at once; False when they must be taken singly."""
        if self._broken_at is not None or chunk[ends[-1]] not in (COMMA, CLOSE_BRACKET):
            return False
        parts = [chunk[begin + 1 : end] for begin, end in pairwise(ends)]
        lengths = [len(part.strip(WHITESPACE)) for part in parts]
        if 0 in lengths or not are_json_values(parts):
            return False
        leads = [len(part) - len(part.lstrip(WHITESPACE)) for part in parts]
        offsets = (self._at + end + 1 + lead for end, lead in zip(ends, leads, strict=False))
        self.add_items(offsets, lengths)
        self.separator_bytes += ends[-1] - ends[0] - sum(lengths)
        self._is_after_comma = chunk[ends[-1]] == COMMA
        self._is_closed = not self._is_after_comma
        return True

    def _begin_element(self, part: bytes, offset: int) -> bytes:
        """Open an element at its first byte that is no whitespace; gives the part from there."""
        if self._open_at is not None:
            return part
        text = part.lstrip(WHITESPACE)
        lead = len(part) - len(text)
        self.separator_bytes += lead
        if text:
            self._open_at = offset + lead
        return text

    def _end_element(self, part: bytes, *, end: int, ender: int) -> None:
        last_part = self._begin_element(part, end - len(part))
        if self._open_at is not None:
            self.end_value(self._open_at, last_part, end=end)
        elif ender == COMMA or self._is_after_comma:
            self.break_at(end)
        if self._broken_at is not None:
            return
        if ender not in (COMMA, CLOSE_BRACKET):
            self.break_at(end)
            return
        self.separator_bytes += 1
        self._is_after_comma = ender == COMMA
        self._is_closed = ender == CLOSE_BRACKET


def _select_ends(marks: Marks) -> list[int]:
    """Positions of the commas between elements and of the bracket that closes the array."""
    is_end = ((marks.step == 0) & (marks.depth == 1)) | (marks.depth <= 0)
    ends = marks.at[is_end]
    closed = np.flatnonzero(marks.depth <= 0)
    if len(closed):
        ends = ends[ends <= marks.at[closed[0]]]
    positions: list[int] = ends.tolist()
    return positions
