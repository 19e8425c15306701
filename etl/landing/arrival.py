"""Arrival: a stream on its way in, hashed, compressed and framed side by side in one pass.

Hashing is one thread after the other, compressing as many at once as there are processors, framing
the caller's thread: all three release the GIL. Memory holds a few blocks. Names nothing and moves
nothing: that is the store's.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from etl.framing.frames import Account, FrameBatch, Framer, join_batches
from etl.landing.index import IndexWriter
from etl.landing.seekable import BLOCK_BYTES, compress_block, seek_table


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the bytes of a stream show; `sha256` in hexadecimal, sizes uncompressed.

    Of a Parquet file, `size_bytes` is that of its messages.
    """

    sha256: str
    size_bytes: int
    item_count: int
    separator_bytes: int
    torn_bytes: int


def take_in(
    head: bytes,
    stream: BinaryIO,
    *,
    index: IndexWriter,
    content: BinaryIO | None,
    framer: Framer,
) -> Arrival:
    """Read a stream to its end, of which `head` is the first block; write its items to `index` and
    its bytes to `content`, if given."""
    account, size_bytes = Account(), 0
    with _Packing(content) as packing:
        for block in _blocks(head, stream):
            size_bytes += len(block)
            packing.add(block)
            _note(framer.feed(block), account, index)
        _note(framer.finish(), account, index)
        size_bytes = size_bytes if framer.counted_bytes is None else framer.counted_bytes
        account.check(framer, size_bytes=size_bytes)
        sha256 = packing.finish()
    return Arrival(
        sha256, size_bytes, account.item_count, framer.separator_bytes, framer.torn_bytes
    )


def take_in_small(content: bytes, framer: Framer) -> tuple[Arrival, FrameBatch]:
    """Frame and hash content that is in memory; gives its items beside what its bytes show."""
    account = Account()
    batches = [framer.feed(content), framer.finish()]
    for batch in batches:
        account.add(batch)
    size_bytes = len(content) if framer.counted_bytes is None else framer.counted_bytes
    account.check(framer, size_bytes=size_bytes)
    sha256 = hashlib.sha256(content).hexdigest()
    arrival = Arrival(
        sha256, size_bytes, account.item_count, framer.separator_bytes, framer.torn_bytes
    )
    return arrival, join_batches(batches)


def _note(batch: FrameBatch, account: Account, index: IndexWriter) -> None:
    account.add(batch)
    index.write(batch)


class _Packing:
    """Hashes and compresses blocks in threads and writes them in their order."""

    def __init__(self, content: BinaryIO | None) -> None:
        self._content = content
        self._sha256 = hashlib.sha256()
        self._sizes: list[tuple[int, int]] = []
        self._hashing: deque[Future[None]] = deque()
        self._compressing: deque[tuple[Future[bytes], int]] = deque()
        self._most_waiting = (os.cpu_count() or 1) + 2
        self._threads = ExitStack()

    def __enter__(self) -> _Packing:
        self._hashers = self._threads.enter_context(ThreadPoolExecutor(1))
        self._compressors = self._threads.enter_context(ThreadPoolExecutor(os.cpu_count()))
        return self

    def __exit__(self, *error: object) -> None:
        for hashing in self._hashing:
            hashing.cancel()
        for compressing, _ in self._compressing:
            compressing.cancel()
        self._threads.close()

    def add(self, block: bytes) -> None:
        """Take the next block."""
        if len(block) < BLOCK_BYTES:  # the last one; often the only one, not worth a thread
            self._take_results(most_waiting=0)
            self._sha256.update(block)
            if self._content is not None:
                self._write(compress_block(block), len(block))
            return
        self._hashing.append(self._hashers.submit(self._sha256.update, block))
        if self._content is not None:
            compressing = self._compressors.submit(compress_block, block)
            self._compressing.append((compressing, len(block)))
        self._take_results(most_waiting=self._most_waiting)

    def finish(self) -> str:
        """Write what is waiting and the seek table; gives the hash of all blocks."""
        self._take_results(most_waiting=0)
        if self._content is not None:
            self._content.write(seek_table(self._sizes))
        return self._sha256.hexdigest()

    def _take_results(self, *, most_waiting: int) -> None:
        while len(self._compressing) > most_waiting:
            compressing, size_bytes = self._compressing.popleft()
            self._write(compressing.result(), size_bytes)
        while len(self._hashing) > most_waiting:
            self._hashing.popleft().result()

    def _write(self, frame: bytes, size_bytes: int) -> None:
        assert self._content is not None
        self._content.write(frame)
        self._sizes.append((len(frame), size_bytes))


def read_block(stream: BinaryIO) -> bytes:
    """The next BLOCK_BYTES, fewer only at the end; a stream may give less than asked."""
    parts: list[bytes] = []
    missing = BLOCK_BYTES
    while missing > 0 and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _blocks(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """The first block, which is read already, and all others."""
    block = head
    while block:
        yield block
        block = read_block(stream) if len(block) == BLOCK_BYTES else b""
