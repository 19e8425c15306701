"""Seekable zstd: independent frames and a seek table, so that any bytes can be read alone.

The format is the seekable format of the zstd project (contrib/seekable_format): what any zstd tool
decompresses, followed by a skippable frame that says where the frames are. Every frame carries a
checksum, so a damaged object is noticed instead of read.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyzstd
from numpy.typing import NDArray

from etl.errors import PermanentError
from etl.framing.frames import Int64Array

BLOCK_BYTES = 2 * 2**20
"""Uncompressed bytes of a frame: what has to be decompressed to read a single message."""

_OPTIONS: dict[int, int] = {
    pyzstd.CParameter.compressionLevel: 1,  # level 2 costs a fifth more time and saves a twentieth
    pyzstd.CParameter.checksumFlag: 1,
}
_SKIPPABLE = 0x184D2A5E
_SEEKABLE = 0x8F92EAB1
_HEADER = struct.Struct("<II")
_FOOTER = struct.Struct("<IBI")
_ENTRY_FIELDS = 2  # compressed and uncompressed size of a frame


def compress_block(block: bytes) -> bytes:
    """One frame; releases the GIL."""
    frame: bytes = pyzstd.compress(block, _OPTIONS)
    return frame


def write_blocks(file: BinaryIO, blocks: Iterable[bytes]) -> None:
    """Write a whole file, one frame for each block."""
    sizes = []
    for block in blocks:
        frame = compress_block(block)
        file.write(frame)
        sizes.append((len(frame), len(block)))
    file.write(seek_table(sizes))


def seek_table(sizes: Iterable[tuple[int, int]]) -> bytes:
    """The skippable frame that ends a file; `sizes` are (compressed, uncompressed) per frame."""
    table = np.array(list(sizes), "<u4").reshape(-1, _ENTRY_FIELDS)
    entries = table.tobytes()
    footer = _FOOTER.pack(len(table), 0, _SEEKABLE)
    return _HEADER.pack(_SKIPPABLE, len(entries) + len(footer)) + entries + footer


class SeekableReader:
    """Reads byte ranges of the uncompressed content; keeps the last frame it decompressed.

    Raises PermanentError when the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO = path.open("rb")
        try:
            sizes = self._read_table()
        except BaseException:
            self._file.close()
            raise
        self._places = _starts_of(sizes[:, 0])
        self._starts = _starts_of(sizes[:, 1])
        self._frame = -1
        self._content = b""

    @property
    def size_bytes(self) -> int:
        """Size of the uncompressed content."""
        return int(self._starts[-1])

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes of the content; raises PermanentError when there are fewer."""
        end = offset + length
        if offset < 0 or length < 0 or end > self.size_bytes:
            raise self._damaged()
        if not length:
            return b""
        first = int(np.searchsorted(self._starts, offset, side="right")) - 1
        last = int(np.searchsorted(self._starts, end, side="left"))
        parts = [
            self._load(frame)[max(offset - start, 0) : end - start]
            for frame, start in enumerate(self._starts[first:last].tolist(), first)
        ]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def frames(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Every frame in order: where its content begins, the content, the frame as stored."""
        for frame, start in enumerate(self._starts[:-1].tolist()):
            place, end = self._places[frame : frame + 2].tolist()
            yield start, self._load(frame), self._read_frame(place, end)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read_frame(self, place: int, end: int) -> bytes:
        self._file.seek(place)
        return self._file.read(end - place)

    def _load(self, frame: int) -> bytes:
        if frame != self._frame:
            place, end = self._places[frame : frame + 2].tolist()
            try:
                self._content = pyzstd.decompress(self._read_frame(place, end))
            except (pyzstd.ZstdError, EOFError):
                raise self._damaged() from None
            self._frame = frame
        return self._content

    def _read_table(self) -> NDArray[np.uint32]:
        end = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(end - _FOOTER.size, 0))
        footer = self._file.read()
        if len(footer) < _FOOTER.size:
            raise self._damaged()
        count, _, magic = _FOOTER.unpack(footer)
        table = np.zeros((count if magic == _SEEKABLE else 0, _ENTRY_FIELDS), "<u4")
        place = end - _FOOTER.size - table.nbytes
        if magic != _SEEKABLE or place < _HEADER.size:
            raise self._damaged()
        self._file.seek(place)
        return np.frombuffer(self._file.read(table.nbytes), "<u4").reshape(table.shape)

    def _damaged(self) -> PermanentError:
        return PermanentError(
            f"Landed object {self._path.name[:12]} is damaged; restore it from a backup or land its "
            "source again."
        )


def _starts_of(sizes: NDArray[np.uint32]) -> Int64Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
