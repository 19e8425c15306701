"""Values: what framing a run of JSON values and framing one array have in common.

A value ends where its brackets say, and counts only when it is valid: the first byte that cannot be
read makes one broken item of everything from there to the end, because nothing tells where the next
message would begin. Memory holds one chunk and one value, and of a value at most MAX_HELD_BYTES: a
longer one is framed by its brackets alone, and the load refuses it for its size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from etl.landing.frames import BROKEN, ITEM, FrameBatch, make_batch
from etl.landing.structure import StructureScanner, end_of_first_value
from etl.landing.validity import WHITESPACE, is_json_value

MAX_HELD_BYTES = 64 * 2**20


class ValueFramer(ABC):
    """The value that is not ended yet, the items found, and the end of all reading."""

    torn_bytes = 0

    def __init__(self, start: int, *, with_commas: bool) -> None:
        self.separator_bytes = 0
        self._at = start  # offset in the content of the next byte to be fed
        self._scanner = StructureScanner(with_commas=with_commas)
        self._open_at: int | None = None  # where the value began that is not ended yet
        self._held = bytearray()  # its bytes from earlier chunks
        self._is_held_whole = True
        self._broken_at: int | None = None
        self._offset: list[int] = []
        self._length: list[int] = []

    def feed(self, chunk: bytes) -> FrameBatch:
        """Take the next bytes; gives the values that end in them."""
        if self._broken_at is None:
            self.find_values(chunk)
        self._at += len(chunk)
        offset, self._offset = self._offset, []
        length, self._length = self._length, []
        return make_batch(offset, length)

    def finish(self) -> FrameBatch:
        """Tell that no bytes follow; what cannot be framed is one broken item."""
        if self._broken_at is None and self._open_at is not None:
            self.end_unfinished(self._open_at)
        kind = [ITEM] * len(self._offset)
        if self._broken_at is not None:
            self._offset.append(self._broken_at)
            self._length.append(self._at - self._broken_at)
            kind.append(BROKEN)
        return make_batch(self._offset, self._length, kind=kind)

    @abstractmethod
    def find_values(self, chunk: bytes) -> None:
        """Find the values that end in the chunk at `_at`; told by each way."""

    def end_unfinished(self, open_at: int) -> None:
        """The content ends inside a value."""
        self.break_at(open_at)

    def break_at(self, offset: int) -> None:
        """Give up: everything from here on is broken."""
        self._broken_at = offset
        self._held.clear()

    def hold(self, part: bytes) -> None:
        """Keep the bytes of the open value while they are few enough to be judged."""
        is_small = len(self._held) + len(part) <= MAX_HELD_BYTES
        self._is_held_whole = self._is_held_whole and is_small
        if self._is_held_whole:
            self._held += part
        else:
            self._held.clear()

    def end_value(self, open_at: int, last_part: bytes, *, end: int) -> None:
        """The open value ends: an item when it is valid, broken from where it is not."""
        self._open_at = None
        if not self._is_held_whole:
            self._is_held_whole = True
            self.add_items([open_at], [end - open_at])
            return
        text = bytes(self._held) + last_part if self._held else last_part
        self._held.clear()
        trimmed = text.rstrip(WHITESPACE)
        if is_json_value(trimmed):
            self.add_items([open_at], [len(trimmed)])
            self.separator_bytes += len(text) - len(trimmed)
        else:
            self._keep_valid_start(open_at, trimmed)

    def add_items(self, offsets: Iterable[int], lengths: Iterable[int]) -> None:
        """Add values that are known to be valid."""
        self._offset.extend(offsets)
        self._length.extend(lengths)

    def pass_gap(self, gap: bytes, offset: int) -> None:
        """Count the whitespace between values; anything else is broken."""
        text = gap.lstrip(WHITESPACE)
        self.separator_bytes += len(gap) - len(text)
        if text:
            self.break_at(offset + len(gap) - len(text))

    def _keep_valid_start(self, open_at: int, text: bytes) -> None:
        end = end_of_first_value(text)
        if end is None or end == len(text) or not is_json_value(text[:end]):
            self.break_at(open_at)
            return
        self.add_items([open_at], [end])
        self.pass_gap(text[end:], open_at + end)
