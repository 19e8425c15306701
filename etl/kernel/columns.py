"""Small questions to columns, and columns made of plain values, without a detour over pandas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

Integers = npt.NDArray[Any]
ORDINALS = pa.list_(pa.int32())
_TYPES = {4: pa.int32(), 8: pa.int64()}


def integers(values: Integers) -> pa.Array:
    """An int32 or int64 array without nulls."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(_TYPES[values.itemsize], values.size, [None, pa.py_buffer(values)])


def renamed(rows: pa.Table, names: Mapping[str, str]) -> pa.Table:
    """A table with new names for some columns; before pyarrow 17 it asks for the names of all."""
    return rows.rename_columns([names.get(name, name) for name in rows.column_names])


def same(text: str, count: int) -> pa.Array:
    """One text, so many times."""
    return pa.repeat(pa.scalar(text, pa.string()), count)


def ordinal_lists(ordinals: tuple[Integers, ...], rows: Integers) -> pa.ListArray:
    """The ordinals of rows as INTEGER[], empty lists outside arrays."""
    depth = len(ordinals)
    offsets = integers(np.arange(len(rows) + 1, dtype=np.int32) * np.int32(depth))
    if depth == 0:
        return pa.ListArray.from_arrays(offsets, pa.array([], pa.int32()))
    stacked = np.stack([ordinal[rows] for ordinal in ordinals], axis=1)
    return pa.ListArray.from_arrays(offsets, integers(stacked.ravel().astype(np.int32)))


def json_texts(texts: pa.Array) -> pa.Array:
    """Each text as the JSON string that holds it."""
    return pa.array([orjson.dumps(text).decode() for text in texts.to_pylist()], pa.string())


def without_empty(texts: pa.Array) -> pa.Array:
    """Texts with null for ""."""
    return pc.if_else(pc.equal(texts, ""), None, texts)
