"""Run: frames JSON objects in a row, pretty-printed or not, and the file of one object."""

from __future__ import annotations

import numpy as np

from etl.landing.frames import BROKEN, join_batches
from etl.landing.structure import Marks
from etl.landing.validity import WHITESPACE, are_json_values
from etl.landing.values import ValueFramer


class RunFramer(ValueFramer):
    """Frames objects (or arrays) with nothing but whitespace between them."""

    def __init__(self, start: int) -> None:
        super().__init__(start, with_commas=False)

    def find_values(self, chunk: bytes) -> None:
        borders = _select_borders(self._scanner.scan(chunk))
        position = 0
        if self._open_at is not None and borders:
            position = borders.pop(0) + 1
            self.end_value(self._open_at, chunk[:position], end=self._at + position)
        begins, ends = borders[::2], [border + 1 for border in borders[1::2]]
        if not self._take_together(chunk, position, begins, ends):
            self._take_singly(chunk, position, begins, ends)
        if self._broken_at is None:
            self._go_on(chunk, ends[-1] if ends else position, begins[len(ends) :])

    def _take_together(
        self, chunk: bytes, position: int, begins: list[int], ends: list[int]
    ) -> bool:
        """Take all values that begin and end in the chunk, if nothing about them is odd."""
        values = [chunk[begin:end] for begin, end in zip(begins, ends, strict=False)]
        befores = [position, *ends[:-1]]
        gaps = b"".join([chunk[end:begin] for end, begin in zip(befores, begins, strict=False)])
        is_odd = self._broken_at is not None or not values or gaps.strip(WHITESPACE)
        if is_odd or not are_json_values(values):
            return False
        self.add_items((self._at + begin for begin in begins[: len(ends)]), map(len, values))
        self.separator_bytes += ends[-1] - position - sum(map(len, values))
        return True

    def _take_singly(self, chunk: bytes, position: int, begins: list[int], ends: list[int]) -> None:
        for begin, end in zip(begins, ends, strict=False):
            if self._broken_at is None:
                self.pass_gap(chunk[position:begin], self._at + position)
            if self._broken_at is None:
                self.end_value(self._at + begin, chunk[begin:end], end=self._at + end)
            position = end

    def _go_on(self, chunk: bytes, position: int, begins: list[int]) -> None:
        """Take what follows the last value that ended: a gap, and perhaps a value's first bytes."""
        if self._open_at is not None:
            self.hold(chunk[position:])
            return
        begin = begins[0] if begins else len(chunk)
        self.pass_gap(chunk[position:begin], self._at + position)
        if begins and self._broken_at is None:
            self._open_at = self._at + begin
            self.hold(chunk[begin:])


def split_values(text: bytes) -> list[tuple[int, int]] | None:
    """Find the values of a text that holds several (`{}{}`) as offset and length.

    None when the text is one value, or when not all of it can be read.
    """
    framer = RunFramer(0)
    found = join_batches([framer.feed(text), framer.finish()])
    if len(found) < 2 or BROKEN in found.kind:
        return None
    return list(zip(found.offset.tolist(), found.length.tolist(), strict=True))


def _select_borders(marks: Marks) -> list[int]:
    """Positions at which an outermost value begins or ends, in turns."""
    is_border = ((marks.step == 1) & (marks.depth == 1)) | ((marks.step == -1) & (marks.depth == 0))
    borders = marks.at[is_border]
    too_many = np.flatnonzero(marks.depth < 0)
    if len(too_many):  # a closing bracket without its opening one: found again as a gap with text
        borders = borders[borders < marks.at[too_many[0]]]
    positions: list[int] = borders.tolist()
    return positions
