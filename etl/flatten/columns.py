"""Exact, cheap questions to one Arrow column, answered with numpy masks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


def valid_mask(column: pa.Array) -> Mask:
    """True where the column is not null."""
    if column.null_count == 0:
        return np.ones(len(column), dtype=np.bool_)
    bits = np.frombuffer(column.buffers()[0], dtype=np.uint8)
    unpacked = np.unpackbits(bits, bitorder="little")
    start = column.offset
    return unpacked[start : start + len(column)].view(np.bool_)


def text_lengths(column: pa.StringArray) -> Integers:
    """Bytes of each text; 0 for null."""
    start = column.offset
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)
    return np.diff(offsets[start : start + len(column) + 1])


def without_empty(column: pa.Array) -> tuple[pa.Array, Mask | None]:
    """The column with "" as null and the mask of what is populated, None when nothing is."""
    if column.null_count == len(column):
        return column, None
    mask = valid_mask(column)
    if pa.types.is_string(column.type):
        filled = text_lengths(column) > 0
        if not filled.all():
            populated = filled & mask
            if populated.sum() != mask.sum():
                column = pc.if_else(pa.array(populated), column, None)
            mask = populated
    return column, (mask if mask.any() else None)


def list_layout(column: pa.ListArray) -> tuple[pa.Array, Integers]:
    """The items of all lists one after the other, and the length of each list (null is 0)."""
    start = column.offset
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)[start : start + len(column) + 1]
    items = column.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    return items, np.diff(offsets).astype(np.int64)
