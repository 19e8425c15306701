"""Values outside closed sets as they go to quality.unsupported_value: per field, not per message."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Integers = npt.NDArray[np.int64]

UNSUPPORTED_SCHEMA = pa.schema(
    [
        ("message_id", pa.int64()),
        ("path", pa.string()),
        ("ordinals", pa.list_(pa.int32())),
        ("value", pa.string()),
        ("value_set", pa.string()),
        ("suggestion", pa.string()),
        ("group", pa.int64()),
    ]
)


def unsupported_rows(
    path: str,
    value_set: str,
    *,
    message_ids: Integers,
    groups: Integers,
    ordinals: pa.ListArray,
    values: pa.Array,
    suggestions: pa.Array,
) -> pa.Table:
    """One row per value of one path that is outside its set; message_ids are ascending."""
    count = len(message_ids)
    arrays = [
        pa.array(message_ids),
        pa.repeat(pa.scalar(path, pa.string()), count),
        ordinals,
        values,
        pa.repeat(pa.scalar(value_set, pa.string()), count),
        suggestions,
        pa.array(groups),
    ]
    return pa.Table.from_arrays(arrays, schema=UNSUPPORTED_SCHEMA)


def first_of_each(unsupported: pa.Table, groups: pa.Table) -> pa.Table:
    """One row per slice, data model, path and value: its first place, its days, how often."""
    rows = unsupported.sort_by("message_id")
    keys = groups.take(rows["group"])
    for name in ("slice", "data_model", "day"):
        rows = rows.append_column(name, keys[name])
    rows = rows.append_column("row", pa.array(np.arange(rows.num_rows)))
    found = rows.group_by(["slice", "data_model", "path", "value"]).aggregate(
        [("row", "min"), ("row", "count"), ("day", "min"), ("day", "max")]
    )
    first = rows.take(found["row_min"]).drop_columns(["group", "row", "day"])
    first = first.rename_columns({"message_id": "first_message_id", "ordinals": "first_ordinals"})
    for name, column in (
        ("findings", "row_count"),
        ("first_day", "day_min"),
        ("last_day", "day_max"),
    ):
        first = first.append_column(name, found[column])
    return first
