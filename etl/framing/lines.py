"""Lines: takes many lines of plain NDJSON at a time, each of which is one object and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from etl.framing.frames import Int64Array

FEW_LINES: Final = 8
LINES_BYTES: Final = 2**18
"""Lines are taken in runs of so many bytes, which stay in the processor's cache."""
_OPEN_BRACE, _CLOSE_BRACE = b"{}"
_RETURN = b"\r"[0]

_decoder = msgspec.json.Decoder(msgspec.Raw)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that follow each other: where each begins, its length without its end, and the bytes of
    the carriage returns before the line feeds."""

    offset: Int64Array
    length: Int64Array
    returns: Int64Array

    @property
    def end(self) -> int:
        """The place behind the last line feed."""
        return int(self.offset[-1] + self.length[-1] + self.returns[-1]) + 1


def find_lines(content: bytes, at: int) -> Lines | None:
    """The lines from `at` on that are an object each, None when they are few.

    Behind each of them stands one that begins with a brace.
    """
    stop = content.rfind(b"\n", at, at + LINES_BYTES)
    if stop < 0:
        return None
    return _read_together(content, at, stop) or _read_singly(content, at, stop)


def _read_together(content: bytes, at: int, stop: int) -> Lines | None:
    """All lines in one reading, None unless nothing but line feeds is between objects."""
    try:
        with memoryview(content) as view:
            read = _decoder.decode_lines(view[at:stop])
            length = np.fromiter(map(len, read), np.int64, len(read))
            read.clear()
    except (msgspec.DecodeError, RecursionError):
        return None
    newlines = len(length) - 1
    if newlines < FEW_LINES or int(length.sum()) + newlines != stop - at:
        return None
    offset = at + np.cumsum(length + 1) - length - 1
    if not bool(np.all(np.frombuffer(content, np.uint8)[offset] == _OPEN_BRACE)):
        return None
    return Lines(offset[:-1], length[:-1], np.zeros(newlines, np.int64))


def _read_singly(content: bytes, at: int, stop: int) -> Lines | None:
    """As many lines as can be read, one by one."""
    lines = content[at:stop].split(b"\n")
    length = np.fromiter(map(len, lines), np.int64, len(lines))
    offset = at + np.cumsum(length + 1) - length - 1
    shaped, returns = _count_shaped(content, offset, length)
    count = _count_valid(lines[:shaped])
    if count < FEW_LINES:
        return None
    return Lines(offset[:count], (length - returns)[:count], returns[:count])


def _count_shaped(content: bytes, offset: Int64Array, length: Int64Array) -> tuple[int, Int64Array]:
    """How many lines from the first on are in braces, with another one that opens behind them;
    and, for each line, whether it ends with a carriage return."""
    if not len(offset):
        return 0, length
    text = np.frombuffer(content, np.uint8)
    end = offset + length
    returns = ((text[end - 1] == _RETURN) & (length > 1)).astype(np.int64)
    is_opened = text[offset] == _OPEN_BRACE
    is_shaped = is_opened & (text[end - 1 - returns] == _CLOSE_BRACE)
    is_shaped[:-1] &= is_opened[1:]
    is_shaped[-1] = False
    odd = np.flatnonzero(~is_shaped)
    return int(odd[0]), returns


def _count_valid(lines: Sequence[bytes]) -> int:
    """How many lines from the first on are one JSON value each."""
    read: list[msgspec.Raw] = []
    with suppress(msgspec.DecodeError, RecursionError):
        read.extend(map(_decoder.decode, lines))  # keeps what was read before an error
    return len(read)
