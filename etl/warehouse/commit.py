"""Inserts staged Parquet files into the warehouse's tables, inside the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import duckdb

from etl.warehouse.connection import quote

CARRY_LOAD_ID = ("core.message", "quality.finding", "quality.finding_count")


def insert_staged(
    connection: duckdb.DuckDBPyConnection,
    staged: Iterable[tuple[str, Sequence[str]]],
    *,
    load_id: int,
) -> None:
    """Insert the rows of (qualified table, files); columns go by name, missing ones are null.

    Tables that carry a load_id get it here, where it is known.
    """
    files: dict[str, list[str]] = defaultdict(list)
    for table, paths in staged:
        files[table].extend(paths)
    connection.execute("set disabled_optimizers = 'join_order, statistics_propagation'")
    for table, paths in files.items():
        load = f", {load_id} as load_id" if table in CARRY_LOAD_ID else ""
        listing = ", ".join(map(quote, paths))
        union = ", union_by_name = true" if len(paths) > 1 else ""
        connection.execute(
            f"insert into {table} by name select *{load} from read_parquet([{listing}]{union})"
        )
    connection.execute("set disabled_optimizers = ''")


def delete_messages(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[str], first: int, stop: int
) -> None:
    """Delete the rows of messages first <= message_id < stop from tables keyed by message_id."""
    for table in tables:
        connection.execute(
            f"delete from {table} where message_id >= ? and message_id < ?", [first, stop]
        )
