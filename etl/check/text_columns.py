"""Opens a column of strings for numpy: where each text begins, how long it is, the bytes.

What the texts mean is said elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]
Offsets = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True, slots=True)
class Texts:
    """A string array opened: first byte and length in bytes of each text (0 for nulls).

    `bounds` has one entry more than there are texts: the byte after the last.
    """

    array: pa.Array
    bounds: Offsets
    lengths: Offsets
    data: Bytes

    def content(self) -> Bytes:
        """All bytes from the first text to the last, without a copy."""
        return self.data[self.bounds[0] : self.bounds[-1]]

    def gather(self, rows: Integers, length: int) -> Bytes:
        """The bytes of texts of one length, one after another; no copy where they already are."""
        starts = self.bounds[rows]
        if starts[-1] - starts[0] == (rows.size - 1) * length:
            return self.data[starts[0] : starts[-1] + length]
        gathered: Bytes = self.data[starts[:, None] + np.arange(length)].ravel()
        return gathered

    def take(self, rows: Integers) -> pa.Array:
        """The texts of some rows."""
        # not pa.array(rows), which imports pandas: a second for each worker process
        return self.array.take(
            pa.Array.from_buffers(pa.int64(), rows.size, [None, pa.py_buffer(rows)])
        )

    def without_empty(self) -> pa.Array:
        """The array, with null for every empty text."""
        buffers = [
            pack_validity(self.lengths > 0),
            pa.py_buffer(self.bounds),
            self.array.buffers()[2],
        ]
        return pa.Array.from_buffers(self.array.type, len(self.array), buffers)


def as_one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array with 32 or 64 bit offsets; other string types are cast."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return array
    return array.cast(pa.string())


def open_texts(array: pa.Array) -> Texts:
    """Open a string array that is not empty; slices are opened where they lie."""
    validity, offsets, data = array.buffers()
    start, stop = array.offset, array.offset + len(array)
    is_large = pa.types.is_large_string(array.type)
    bounds = read_integers(offsets, is_wide=is_large)[start : stop + 1]
    lengths = bounds[1:] - bounds[:-1]
    if array.null_count:
        packed = np.frombuffer(validity, np.uint8)[start // 8 : (stop + 7) // 8]
        is_valid = np.unpackbits(packed, bitorder="little")[start % 8 :][: len(array)]
        lengths *= is_valid
    content = np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8)
    return Texts(array, bounds, lengths, content)


def read_integers(buffer: pa.Buffer, *, is_wide: bool) -> Offsets:
    """The 32 or 64 bit integers of an Arrow buffer, without a copy."""
    return np.frombuffer(buffer, np.int64) if is_wide else np.frombuffer(buffer, np.int32)


def pack_validity(is_valid: Flags) -> pa.Buffer | None:
    """The validity bitmap of an Arrow array; None when nothing is null."""
    if is_valid.all():
        return None
    return pa.py_buffer(np.packbits(is_valid, bitorder="little"))
