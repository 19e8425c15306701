"""CRC-32 of many overlapping ranges in linear time.

The checksum of a range follows from those of two prefixes, so every byte is read about once however
many ranges cover it: a damaged segment may hold a false record header every 20 bytes, each claiming
millions of bytes. The algebra is that of zlib's `crc32_combine`.
"""

from __future__ import annotations

import zlib
from functools import cache

STEP_BYTES = 1024
"""A prefix is kept for each so many bytes; the rest of the way is computed."""
_POLYNOMIAL = 0xEDB88320
_LENGTH_BITS = 40

Operator = tuple[tuple[int, ...], ...]
"""How a checksum changes when zero bytes follow: four tables, one for each of its bytes."""


class RangeChecksums:
    """Checksums of ranges of a stream whose bytes are given in a buffer that moves along.

    Offsets are those in the stream; the buffer begins at `start`, and `move_to` says so when bytes
    are dropped from its front.
    """

    def __init__(self, start: int) -> None:
        self._origin = self._start = start
        self._at_start = 0
        self._prefixes = [0]

    def checksum(self, buffer: bytearray, *, first: int, stop: int, before: int) -> int:
        """The CRC-32 of the bytes first <= offset < stop, appended to what has the CRC `before`."""
        with memoryview(buffer) as view:
            self._extend(view, stop)
            head = before ^ self._prefix(view, first)
            return _append_zeros(head, stop - first) ^ self._prefix(view, stop)

    def move_to(self, buffer: bytearray, start: int) -> None:
        """Bytes before `start` are about to be dropped from the buffer."""
        with memoryview(buffer) as view:
            self._extend(view, start)
            self._at_start = self._prefix(view, start)
        self._start = start

    def _extend(self, view: memoryview, stop: int) -> None:
        known = self._origin + (len(self._prefixes) - 1) * STEP_BYTES
        while known + STEP_BYTES <= stop:
            following = known + STEP_BYTES
            self._prefixes.append(self._continued(view, known, following, self._prefixes[-1]))
            known = following

    def _prefix(self, view: memoryview, stop: int) -> int:
        step = (stop - self._origin) // STEP_BYTES
        return self._continued(view, self._origin + step * STEP_BYTES, stop, self._prefixes[step])

    def _continued(self, view: memoryview, known: int, stop: int, prefix: int) -> int:
        """The prefix at `stop` from the one at `known`, or from the buffer's start if that is later."""
        if known < self._start:
            known, prefix = self._start, self._at_start
        return zlib.crc32(view[known - self._start : stop - self._start], prefix)


def _append_zeros(checksum: int, count: int) -> int:
    """The part of the checksum that `count` following bytes shift along."""
    for bit in range(count.bit_length()):
        if count >> bit & 1:
            a, b, c, d = _operators()[bit]
            checksum = (
                a[checksum & 255]
                ^ b[checksum >> 8 & 255]
                ^ c[checksum >> 16 & 255]
                ^ d[checksum >> 24]
            )
    return checksum


@cache
def _operators() -> tuple[Operator, ...]:
    """For 1, 2, 4, 8, ... zero bytes."""
    columns = [_shift_byte(1 << bit) for bit in range(32)]
    operators = []
    for _ in range(_LENGTH_BITS):
        operators.append(tuple(_table(columns[8 * at : 8 * at + 8]) for at in range(4)))
        columns = [_apply(columns, column) for column in columns]
    return tuple(operators)


def _shift_byte(checksum: int) -> int:
    for _ in range(8):
        checksum = checksum >> 1 ^ (_POLYNOMIAL if checksum & 1 else 0)
    return checksum


def _table(columns: list[int]) -> tuple[int, ...]:
    return tuple(_apply(columns, value) for value in range(256))


def _apply(columns: list[int], vector: int) -> int:
    total = 0
    for bit, column in enumerate(columns):
        if vector >> bit & 1:
            total ^= column
    return total
