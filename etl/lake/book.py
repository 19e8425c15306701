"""Rows of a version for the book: those of messages as they were written, counts of tasks summed up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from etl.kernel.columns import renamed
from etl.kernel.counts import GROUP_SCHEMA
from etl.kernel.settle import UNSUPPORTED, Rows
from etl.warehouse.lake import LakeFolder, LakeVersion

_GROUP = tuple(GROUP_SCHEMA.names)
_COUNTS = {
    "quality.message_count": (_GROUP, ("messages",)),
    "quality.path_count": ((*_GROUP, "path"), ("messages", "elements")),
    "quality.finding_count": ((*_GROUP, "rule", "path", "severity"), ("findings", "messages")),
}
"""Tables whose rows are counts: what they are counted by, what is summed."""
_VALUE = ("slice", "data_model", "path", "value")


def book_rows(lake: LakeFolder, version: LakeVersion) -> Iterator[Rows]:
    """The rows that the book takes of a version, by table; one file in memory at a time, counts whole."""
    files: dict[str, list[Path]] = defaultdict(list)
    for file in version.book:
        files[file.table].append(lake.path_of(file.file))
    for name, paths in files.items():
        if name in _COUNTS:
            yield name, _summed(_read_all(paths), *_COUNTS[name])
        elif name == UNSUPPORTED:
            yield name, _first_of_each(_read_all(paths))
        else:
            for path in paths:
                yield name, pq.ParquetFile(path).read()


def _read_all(paths: Sequence[Path]) -> pa.Table:
    tables = [pq.ParquetFile(path).read() for path in paths]
    return pa.concat_tables(tables, promote_options="default")


def _summed(rows: pa.Table, keys: Sequence[str], sums: Sequence[str]) -> pa.Table:
    summed = rows.group_by(list(keys)).aggregate([(name, "sum") for name in sums])
    return renamed(summed, {f"{name}_sum": name for name in sums})


def _first_of_each(rows: pa.Table) -> pa.Table:
    """One row per value: its first place, the days around all, how often it was found."""
    rows = rows.sort_by("first_message_id")
    rows = rows.append_column("row", pa.array(range(len(rows)), pa.int64()))
    found = rows.group_by(list(_VALUE)).aggregate(
        [("row", "min"), ("findings", "sum"), ("first_day", "min"), ("last_day", "max")]
    )
    first = rows.take(found["row_min"]).drop_columns(["row", "findings", "first_day", "last_day"])
    for name, column in (
        ("findings", "findings_sum"),
        ("first_day", "first_day_min"),
        ("last_day", "last_day_max"),
    ):
        first = first.append_column(name, found[column])
    return first
