"""Framing: finds the messages in a stream of bytes, exactly, in bounded memory.

NDJSON, one array, objects in a row, webhook segments: the bytes themselves tell which
(`etl.landing.detect`). Nothing here parses a message or decides whether it can be loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from etl.landing.array import ArrayFramer
from etl.landing.detect import Layout, detect_layout
from etl.landing.frames import BROKEN, Account, FrameBatch, Framer, join_batches, make_batch
from etl.landing.lines import LinesFramer
from etl.landing.run import RunFramer
from etl.landing.segments import MAGIC, SegmentFramer
from etl.landing.validity import WHITESPACE

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_TELLTALE_BYTES = max(len(MAGIC), 4)
FIRST_PROBE_BYTES = 2**20
LAST_PROBE_BYTES = 64 * 2**20
"""A first line that is longer than this is not waited for: the layout is then an array or a run."""
_PIECE_BYTES = 2**18
"""Structure is scanned in pieces that stay in the processor's cache."""


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
    """Frames content of any layout: holds its first bytes until they tell which one it is."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._skipped_bytes = 0  # byte order mark and whitespace before the head
        self._is_text = False
        self._probe_bytes = FIRST_PROBE_BYTES
        self._framer: Framer | None = None

    @property
    def separator_bytes(self) -> int:
        return self._skipped_bytes + (self._framer.separator_bytes if self._framer else 0)

    @property
    def torn_bytes(self) -> int:
        return self._framer.torn_bytes if self._framer else 0

    def feed(self, chunk: bytes) -> FrameBatch:
        """Take the next bytes; gives the items that are complete."""
        if self._framer is not None:
            return _feed_in_pieces(self._framer, chunk)
        self._head += chunk
        return self._try_to_begin(is_whole=False)

    def finish(self) -> FrameBatch:
        """Tell that no bytes follow; gives the last items."""
        batches = []
        if self._framer is None:
            batches.append(self._try_to_begin(is_whole=True))
        if self._framer is not None:
            batches.append(self._framer.finish())
        return join_batches(batches)

    def _try_to_begin(self, *, is_whole: bool) -> FrameBatch:
        if not self._is_text:
            if len(self._head) < _TELLTALE_BYTES and not is_whole:
                return FrameBatch()
            framer = _choose_by_first_bytes(bytes(self._head[:_TELLTALE_BYTES]))
            if framer is not None:
                return self._begin(framer)
            self._is_text = True
            self._skip(len(BYTE_ORDER_MARK) if self._head.startswith(BYTE_ORDER_MARK) else 0)
        self._skip(len(self._head) - len(self._head.lstrip(WHITESPACE)))
        make_framer = self._detect(is_whole=is_whole)
        return self._begin(make_framer(self._skipped_bytes)) if make_framer else FrameBatch()

    def _skip(self, count: int) -> None:
        del self._head[:count]
        self._skipped_bytes += count

    def _detect(self, *, is_whole: bool) -> Callable[[int], Framer] | None:
        """Look at 1, 2, 4, ... MiB, so that how content is cut into chunks makes no difference."""
        while self._head and (is_whole or len(self._head) >= self._probe_bytes):
            is_all = is_whole and len(self._head) <= self._probe_bytes
            layout = detect_layout(bytes(self._head[: self._probe_bytes]), is_whole=is_all)
            if layout is not None:
                return _FRAMERS[layout]
            self._probe_bytes *= 2
            if self._probe_bytes > LAST_PROBE_BYTES:
                return RunFramer
        return None

    def _begin(self, framer: Framer) -> FrameBatch:
        self._framer = framer
        head, self._head = bytes(self._head), bytearray()
        return _feed_in_pieces(framer, head)


class UnreadableFramer:
    """Frames content that is no text we can read as one broken item."""

    separator_bytes = 0
    torn_bytes = 0

    def __init__(self, start: int) -> None:
        self._start = start
        self._size_bytes = 0

    def feed(self, chunk: bytes) -> FrameBatch:
        self._size_bytes += len(chunk)
        return FrameBatch()

    def finish(self) -> FrameBatch:
        return make_batch([self._start], [self._size_bytes], kind=BROKEN)


_FRAMERS: dict[Layout, Callable[[int], Framer]] = {
    Layout.LINES: LinesFramer,
    Layout.ARRAY: ArrayFramer,
    Layout.RUN: RunFramer,
    Layout.UNREADABLE: UnreadableFramer,
}


def _choose_by_first_bytes(first: bytes) -> Framer | None:
    """A framer for what is no UTF-8 text: a segment, UTF-16, or anything with a zero byte."""
    if first and MAGIC.startswith(first):
        return SegmentFramer()
    if first.startswith(_UTF_16_MARKS) or b"\0" in first[:4]:
        return UnreadableFramer(0)
    return None


def _feed_in_pieces(framer: Framer, chunk: bytes) -> FrameBatch:
    if len(chunk) <= _PIECE_BYTES:
        return framer.feed(chunk)
    pieces = (chunk[at : at + _PIECE_BYTES] for at in range(0, len(chunk), _PIECE_BYTES))
    return join_batches([framer.feed(piece) for piece in pieces])
