"""Framing: finds the messages in a stream of bytes, exactly, in bounded memory.

Text of any layout, or webhook segments: the bytes themselves say which. Nothing here parses a
message or decides whether it can be loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from etl.encodings import MARK_BYTES, UNIT_BYTES, marked_encoding, unmarked_encoding
from etl.framing.columnar import MAGIC as PARQUET
from etl.framing.columnar import ColumnarFramer
from etl.framing.delimited import DelimitedFramer
from etl.framing.frames import BROKEN, Account, FrameBatch, Framer, join_batches, make_batch
from etl.framing.items import ItemFramer, Parts
from etl.framing.segments import MAGIC, SegmentFramer
from etl.framing.texts import count_in_string
from etl.framing.wide_text import WideTextFramer
from etl.other_formats import HEAD_BYTES, is_binary_format

_TELLTALE_BYTES = HEAD_BYTES


def frame(chunks: Iterator[bytes]) -> Iterator[FrameBatch]:
    """Find the items in content given as chunks; items come in order, none overlaps another.

    Raises PermanentError when the items and separators are not exactly the bytes of the content.
    """
    framer, account, size_bytes = ContentFramer(), Account(), 0
    for chunk in chunks:
        size_bytes += len(chunk)
        batch = framer.feed(chunk)
        account.add(batch)
        yield batch
    batch = framer.finish()
    account.add(batch)
    account.check(framer, size_bytes=size_bytes)
    yield batch


_IN_STRINGS: Final = Parts(count_in_string)


class ContentFramer:
    """Frames content of any kind: holds its first bytes until they show which one it is.

    `encoding` is that of text without a mark; "" for UTF-8 and all others in which ASCII is ASCII.
    `parts` counts the messages in an item; without it, those in a JSON string. `columns` names the
    columns of a table that hold the messages and their times.
    """

    def __init__(
        self,
        encoding: str = "",
        parts: Parts = _IN_STRINGS,
        columns: tuple[str, str] | None = None,
    ) -> None:
        self._encoding = encoding
        self._parts = parts
        self._columns = columns
        self._head = b""
        self._framer: Framer | None = None

    @property
    def separator_bytes(self) -> int:
        return self._framer.separator_bytes if self._framer else 0

    @property
    def torn_bytes(self) -> int:
        return self._framer.torn_bytes if self._framer else 0

    @property
    def counted_bytes(self) -> int | None:
        return self._framer.counted_bytes if self._framer else None

    def feed(self, chunk: bytes) -> FrameBatch:
        """Take the next bytes; gives the items that are complete."""
        if self._framer is not None:
            return self._framer.feed(chunk)
        self._head += chunk
        return FrameBatch() if len(self._head) < _TELLTALE_BYTES else self._begin()

    def finish(self) -> FrameBatch:
        """Tell that no bytes follow; gives the last items."""
        first = FrameBatch() if self._framer else self._begin()
        assert self._framer is not None
        return join_batches([first, self._framer.finish()])

    def _begin(self) -> FrameBatch:
        self._framer = self._choose_framer(self._head[:_TELLTALE_BYTES])
        head, self._head = self._head, b""
        return self._framer.feed(head)

    def _choose_framer(self, first: bytes) -> Framer:
        """By the first bytes: a segment, text of UTF-16 or UTF-32, what is not text, or text."""
        named = self._encoding if self._encoding in UNIT_BYTES else ""
        wide = marked_encoding(first[:MARK_BYTES]) or named
        if self._columns is not None:
            return self._choose_table_framer(first, wide)
        if first and MAGIC.startswith(first[: len(MAGIC)]):
            return SegmentFramer(self._parts.count if self._parts.in_all else None)
        if wide:
            return WideTextFramer(wide, ItemFramer(0, self._parts))
        if unmarked_encoding(first) or is_binary_format(first):
            return UnreadableFramer()
        return ItemFramer(0, self._parts)

    def _choose_table_framer(self, first: bytes, wide: str) -> Framer:
        assert self._columns is not None
        column, received_at = self._columns
        count = self._parts.count
        if first.startswith(PARQUET):
            return ColumnarFramer(column=column, received_at=received_at, count_parts=count)
        rows = DelimitedFramer(column=column, received_at=received_at, count_parts=count)
        return WideTextFramer(wide, rows) if wide else rows


@dataclass(frozen=True, slots=True)
class Form:
    """What framing depends on beside the bytes; `name` is the same for the same framing."""

    name: str
    new_framer: Callable[[], Framer]


PLAIN = Form("", ContentFramer)


class UnreadableFramer:
    """Frames content that is no text we can read as one broken item."""

    separator_bytes = 0
    torn_bytes = 0
    counted_bytes: int | None = None

    def __init__(self) -> None:
        self._size_bytes = 0

    def feed(self, chunk: bytes) -> FrameBatch:
        self._size_bytes += len(chunk)
        return FrameBatch()

    def finish(self) -> FrameBatch:
        return make_batch([0], [self._size_bytes], kind=BROKEN)
