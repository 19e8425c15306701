"""Structure: the brackets and commas of JSON text that stand outside of strings.

Vectorised over chunks, with the state between chunks in three values: inside a string or not,
whether the next byte is escaped, and the depth. Nothing here checks whether the text is valid:
on text that is not JSON the marks are merely the same for every way of cutting it into chunks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from etl.framing.frames import Int64Array

BytesArray = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]

QUOTE, COMMA, BACKSLASH = 0x22, 0x2C, 0x5C
OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET = 0x7B, 0x7D, 0x5B, 0x5D
_BRACKET_TO_BRACE = 0x20  # sets the one bit by which [ and { differ, and ] and }

_STEP = np.zeros(256, np.int8)
_STEP[[OPEN_BRACE, OPEN_BRACKET]] = 1
_STEP[[CLOSE_BRACE, CLOSE_BRACKET]] = -1


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks of one chunk in order: position in the chunk, change of depth, depth after it."""

    at: Int64Array
    step: NDArray[np.int8]
    depth: Int64Array


class StructureScanner:
    """Finds brackets (and commas on request) outside of strings, chunk after chunk."""

    def __init__(self, *, with_commas: bool = False) -> None:
        self._with_commas = with_commas
        self._is_in_string = False
        self._is_escaped = False
        self._depth = 0

    def scan(self, chunk: bytes) -> Marks:
        """Mark the next chunk."""
        content = np.frombuffer(chunk, np.uint8)
        is_quote = content == QUOTE
        if self._is_escaped or b"\\" in chunk:
            is_quote[self._find_escaped(content)] = False
        at = np.flatnonzero(self._is_candidate(content))
        at = at[~self._find_in_string(is_quote, at)]
        step = _STEP[content[at]]
        depth = np.cumsum(step, dtype=np.int64) + self._depth
        if len(depth):
            self._depth = int(depth[-1])
        return Marks(at, step, depth)

    def _is_candidate(self, content: BytesArray) -> BoolArray:
        brace = content | _BRACKET_TO_BRACE
        found: BoolArray = brace == OPEN_BRACE
        found |= brace == CLOSE_BRACE
        if self._with_commas:
            found |= content == COMMA
        return found

    def _find_in_string(self, is_quote: BoolArray, at: Int64Array) -> BoolArray:
        """Which positions have an odd number of quotes before them, counted in words of 64 bits."""
        word = _pack_words(is_quote)
        quotes = np.bitwise_count(word).astype(np.int64)
        before_word = np.cumsum(quotes) - quotes + self._is_in_string
        self._is_in_string ^= bool(quotes.sum() & 1)
        index = at >> 6
        lower_bits = (np.uint64(1) << (at & 63).astype(np.uint64)) - np.uint64(1)
        before = np.bitwise_count(word[index] & lower_bits) + before_word[index]
        is_odd: BoolArray = (before & 1).astype(np.bool_)
        return is_odd

    def _find_escaped(self, content: BytesArray) -> Int64Array:
        """Positions that follow a backslash which is not itself escaped."""
        backslash = np.flatnonzero(content == BACKSLASH)
        is_run_start = np.diff(backslash, prepend=-2) != 1
        run_start = backslash[is_run_start]
        if self._is_escaped and len(run_start) and run_start[0] == 0:
            run_start[0] = 1  # the first backslash is the escaped one of the chunk before
        ordinal = backslash - run_start[np.cumsum(is_run_start) - 1]
        escaped: Int64Array = backslash[ordinal % 2 == 0] + 1
        if self._is_escaped:
            escaped = np.concatenate([np.zeros(1, np.int64), escaped])
        self._is_escaped = bool(len(escaped)) and int(escaped[-1]) == len(content)
        return escaped[:-1] if self._is_escaped else escaped


def _pack_words(is_set: BoolArray) -> NDArray[np.uint64]:
    bits = np.packbits(is_set, bitorder="little")
    padded = np.zeros(-(-len(bits) // 8) * 8, np.uint8)
    padded[: len(bits)] = bits
    return padded.view("<u8")


def end_of_first_value(text: bytes) -> int | None:
    """Where the object or array that begins at 0 ends, by its brackets; None when it does not."""
    if not text.startswith((b"{", b"[")):
        return None
    marks = StructureScanner().scan(text)
    closed = np.flatnonzero(marks.depth == 0)
    return int(marks.at[closed[0]]) + 1 if len(closed) else None
