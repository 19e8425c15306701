"""Slices: runs of message ids, the unit of reloading, counting and published files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from etl.warehouse.schema import existing_columns
from models.tables.plan import SLICE_BITS, WarehousePlan

COUNT_TABLES = (
    "quality.message_count",
    "quality.path_count",
    "quality.finding_count",
    "quality.unsupported_value",
)
SIDE_TABLES = ("core.extension", "core.unplaced_value", "core.received_form", "quality.finding")


def record_slices(
    connection: duckdb.DuckDBPyConnection, slices: Iterable[int], load_id: int
) -> None:
    """Note that a load changed rows of these slices."""
    rows = [[number, load_id] for number in sorted(set(slices))]
    if rows:
        connection.executemany("insert into core.slice_change values (?, ?)", rows)


def delete_slice(connection: duckdb.DuckDBPyConnection, plan: WarehousePlan, number: int) -> None:
    """Delete every row of a slice: typed, beside, counts. The ledger keeps its rows."""
    first, stop = number << SLICE_BITS, (number + 1) << SLICE_BITS
    existing = existing_columns(connection)
    names = [table.qualified_name for table in plan.tables()]
    for name in filter(existing.__contains__, [*names, *SIDE_TABLES]):
        connection.execute(
            f"delete from {name} where message_id >= ? and message_id < ?", [first, stop]
        )
    for name in COUNT_TABLES:
        connection.execute(f"delete from {name} where slice = ?", [number])


def slices_of(
    connection: duckdb.DuckDBPyConnection,
    *,
    data_models: Sequence[str] = (),
    sources: Sequence[str] = (),
    since: str = "",
    until: str = "",
    slices: Sequence[int] = (),
) -> list[int]:
    """The slices with a message that meets every given condition; `until` is exclusive."""
    conditions, values = ["true"], []
    for column, wanted in (("data_model", data_models), ("source_id", sources)):
        if wanted:
            conditions.append(f"{column} in ({', '.join('?' * len(wanted))})")
            values += list(wanted)
    if since:
        conditions.append("day >= cast(? as date)")
        values.append(since)
    if until:
        conditions.append("day < cast(? as date)")
        values.append(until)
    if slices:
        conditions.append(f"slice in ({', '.join(str(int(number)) for number in slices)})")
    query = (
        "select distinct slice from quality.message_count "
        f"where {' and '.join(conditions)} order by slice"
    )
    return [int(row[0]) for row in connection.execute(query, values).fetchall()]
