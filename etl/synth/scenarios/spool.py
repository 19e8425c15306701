"""Puts messages into the order of their delivery in bounded memory.

Messages are kept in temporary files, one for each stretch of the order; one stretch at a time is
read back and sorted. The files have no names: nothing is left of them after a crash.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from typing import IO

HEAD = struct.Struct(">QQI")
STRETCHES = 64


class Spool:
    """Takes messages with a key from 0 up to `end`, gives them back sorted by key."""

    def __init__(self, end: int) -> None:
        self._width = end // STRETCHES + 1
        self._files: list[IO[bytes]] = [
            tempfile.TemporaryFile(buffering=2**16)  # noqa: SIM115  # closed by `drain`
            for _ in range(STRETCHES)
        ]
        self._count = 0

    def add(self, key: int, body: bytes) -> None:
        """Keep one message; of equal keys the first added comes first."""
        file = self._files[min(max(key, 0) // self._width, STRETCHES - 1)]
        file.write(HEAD.pack(max(key, 0), self._count, len(body)))
        file.write(body)
        self._count += 1

    def drain(self) -> Iterator[bytes]:
        """All messages in order; the spool is empty afterwards."""
        for file in self._files:
            with file:
                file.seek(0)
                yield from (body for _, _, body in sorted(_read(file.read())))

    def __len__(self) -> int:
        return self._count


def _read(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    place = 0
    while place < len(data):
        key, number, length = HEAD.unpack_from(data, place)
        place += HEAD.size + length
        yield key, number, data[place - length : place]
