"""Framing: finds the messages in a stream of bytes, exactly, in bounded memory.

Text of any layout, or webhook segments: the bytes themselves say which. Nothing here parses a
message or decides whether it can be loaded.
"""

from __future__ import annotations

from collections.abc import Iterator

from etl.landing.frames import BROKEN, Account, FrameBatch, Framer, join_batches, make_batch
from etl.landing.items import ItemFramer
from etl.landing.segments import MAGIC, SegmentFramer
from etl.other_formats import HEAD_BYTES, is_binary_format

_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
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


class ContentFramer:
    """Frames content of any kind: holds its first bytes until they tell which one it is."""

    def __init__(self) -> None:
        self._head = b""
        self._framer: Framer | None = None

    @property
    def separator_bytes(self) -> int:
        return self._framer.separator_bytes if self._framer else 0

    @property
    def torn_bytes(self) -> int:
        return self._framer.torn_bytes if self._framer else 0

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
        self._framer = _choose_framer(self._head[:_TELLTALE_BYTES])
        head, self._head = self._head, b""
        return self._framer.feed(head)


class UnreadableFramer:
    """Frames content that is no text we can read as one broken item."""

    separator_bytes = 0
    torn_bytes = 0

    def __init__(self) -> None:
        self._size_bytes = 0

    def feed(self, chunk: bytes) -> FrameBatch:
        self._size_bytes += len(chunk)
        return FrameBatch()

    def finish(self) -> FrameBatch:
        return make_batch([0], [self._size_bytes], kind=BROKEN)


def _choose_framer(first: bytes) -> Framer:
    """By the first bytes: a segment, what is no text of single bytes, or text."""
    if first and MAGIC.startswith(first[: len(MAGIC)]):
        return SegmentFramer()
    if first.startswith(_UTF_16_MARKS) or _is_of_wide_characters(first) or is_binary_format(first):
        return UnreadableFramer()
    return ItemFramer(0)


def _is_of_wide_characters(first: bytes) -> bool:
    """Whether text is of two or four bytes a character: every second or more of them is NUL."""
    zeros = [byte == 0 for byte in first[:4]]
    return zeros in (
        [False, True, False, True],
        [True, False, True, False],
        [False, True, True, True],
        [True, True, True, False],
    )
