"""Seekable zstd: independent frames and a seek table, so that any bytes can be read alone.

The format is the seekable format of the zstd project (contrib/seekable_format): what any zstd tool
decompresses, followed by a skippable frame that tells where the frames are.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import pyzstd

BLOCK_BYTES = 2 * 2**20
"""Uncompressed bytes of a frame: what has to be decompressed to read a single message."""
LEVEL = 1

_SKIPPABLE = 0x184D2A5E
_SEEKABLE = 0x8F92EAB1
_HEADER = struct.Struct("<II")
_ENTRY = struct.Struct("<II")
_FOOTER = struct.Struct("<IBI")


def compress_block(block: bytes) -> bytes:
    """One frame; releases the GIL."""
    return pyzstd.compress(block, LEVEL)


def seek_table(sizes: Iterable[tuple[int, int]]) -> bytes:
    """The skippable frame that ends a file; `sizes` are (compressed, uncompressed) per frame."""
    entries = b"".join(_ENTRY.pack(*size) for size in sizes)
    footer = _FOOTER.pack(len(entries) // _ENTRY.size, 0, _SEEKABLE)
    return _HEADER.pack(_SKIPPABLE, len(entries) + len(footer)) + entries + footer


class SeekableReader:
    """Reads byte ranges of the uncompressed content; keeps the last frame it decompressed."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        sizes = self._read_table()
        self._starts = [0, *accumulate(size for _, size in sizes)]
        self._places = [0, *accumulate(size for size, _ in sizes)]
        self._frame = -1
        self._content = b""

    def _read_table(self) -> list[tuple[int, int]]:
        end = self._file.seek(0, os.SEEK_END)
        self._file.seek(end - _FOOTER.size)
        count, _, magic = _FOOTER.unpack(self._file.read(_FOOTER.size))
        if magic != _SEEKABLE:
            raise ValueError("the file has no seek table")
        self._file.seek(end - _FOOTER.size - count * _ENTRY.size)
        return list(_ENTRY.iter_unpack(self._file.read(count * _ENTRY.size)))

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes of the content."""
        frame = bisect_right(self._starts, offset) - 1
        start = offset - self._starts[frame] if length else 0
        if length and start + length <= self._starts[frame + 1] - self._starts[frame]:
            return self._load(frame)[start : start + length]
        parts = []
        while length > 0:
            start = offset - self._starts[frame]
            part = self._load(frame)[start : start + length]
            parts.append(part)
            offset, length, frame = offset + len(part), length - len(part), frame + 1
        return b"".join(parts)

    def _load(self, frame: int) -> bytes:
        if frame != self._frame:
            self._file.seek(self._places[frame])
            packed = self._file.read(self._places[frame + 1] - self._places[frame])
            self._content = pyzstd.decompress(packed)
            self._frame = frame
        return self._content

    def close(self) -> None:
        """Close the file."""
        self._file.close()
