"""Rolls counts up: rows of many loads for one slice, day and path become one.

Each load adds rows of its own to `quality.message_count` and `quality.path_count`, and all readers sum
them up; a home that loads every few minutes would have as many rows for a path and day as loads. What
is rolled up follows from the ledger alone, so that homes which made the same loads hold the same rows.
"""

from __future__ import annotations

import duckdb

ROW = "rolled_up_load"
"""The row of core.warehouse that says up to which load counts are rolled up."""
EVERY_LOADS = 64
LEAST_LOADS = 8
_SUMS = {
    "quality.message_count": ("messages",),
    "quality.path_count": ("messages", "elements"),
}
_TOUCHED = """
select slice from core.slice_change
where load_id > ? group by slice having count(distinct load_id) >= ? order by slice
"""


def roll_up(connection: duckdb.DuckDBPyConnection, load_id: int) -> list[int]:
    """Roll up slices that several loads since the last time have added to, in the caller's transaction.

    Does nothing until there were EVERY_LOADS. Gives the slices whose rows have changed.
    """
    rows = connection.execute("select value from core.warehouse where name = ?", [ROW]).fetchall()
    last = int(rows[0][0]) if rows else 0
    if load_id - last < EVERY_LOADS:
        return []
    touched = connection.execute(_TOUCHED, [last, LEAST_LOADS]).fetchall()
    slices = [int(number) for (number,) in touched]
    for name, sums in _SUMS.items():
        for number in slices:
            _sum_up(connection, name, sums, number)
    connection.execute("delete from core.warehouse where name = ?", [ROW])
    connection.execute("insert into core.warehouse values (?, ?)", [ROW, str(load_id)])
    return slices


def _sum_up(
    connection: duckdb.DuckDBPyConnection, name: str, sums: tuple[str, ...], number: int
) -> None:
    summed = ", ".join(f"sum({column}) as {column}" for column in sums)
    connection.execute(
        f"create or replace temp table rolled as select * exclude ({', '.join(sums)}), {summed} "
        f"from {name} where slice = ? group by all order by all",
        [number],
    )
    connection.execute(f"delete from {name} where slice = ?", [number])
    connection.execute(f"insert into {name} by name select * from rolled")
    connection.execute("drop table rolled")
