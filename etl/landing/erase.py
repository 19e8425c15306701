"""Overwrites items of a landed object with spaces of equal length, so that offsets stay true.

Frames of zstd without a purged byte are copied as they are, the others are compressed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from etl.framing.frames import PURGED, FrameBatch
from etl.landing.seekable import SeekableReader, compress_block, seek_table

Ranges = Sequence[tuple[int, int]]
_SPACE = b" "


@dataclass(frozen=True, slots=True)
class Overwritten:
    """What the bytes are now: their hash, and how many were overwritten."""

    sha256: str
    bytes: int


def overwrite(source: Path, target: BinaryIO, ranges: Ranges) -> Overwritten:
    """Copy a file of seekable zstd with spaces in these ranges (offset, length)."""
    reader = SeekableReader(source)
    sha256, sizes, erased = hashlib.sha256(), [], 0
    left = sorted((offset, offset + length) for offset, length in ranges if length)
    try:
        for start, content, packed in reader.frames():
            own = bytearray(content)
            erased += _blank(own, start, left)
            block = packed if own == content else compress_block(bytes(own))
            target.write(block)
            sha256.update(own)
            sizes.append((len(block), len(own)))
    finally:
        reader.close()
    target.write(seek_table(sizes))
    return Overwritten(sha256.hexdigest(), erased)


def _blank(content: bytearray, start: int, ranges: Iterable[tuple[int, int]]) -> int:
    """Overwrite what of the ranges is in this part of the content, which begins at `start`."""
    erased, stop = 0, start + len(content)
    for first, last in ranges:
        if first >= stop:
            break
        at, end = max(first, start) - start, min(last, stop) - start
        if at < end:
            content[at:end] = _SPACE * (end - at)
            erased += end - at
    return erased


def mark_purged(items: FrameBatch, positions: Iterable[int]) -> FrameBatch:
    """The same items; those at these positions are of kind PURGED."""
    kind = items.kind.copy()
    kind[np.fromiter(positions, np.int64)] = PURGED
    return FrameBatch(items.offset, items.length, kind, items.received_at_us)
