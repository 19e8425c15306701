"""Compares a home that was loaded locally with a lake of the same messages: every row of every table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from etl.sql_text import quote
from etl.warehouse.connection import open_in_memory
from etl.warehouse.lake import LakeFolder

# What no two loads have in common: when bytes were landed, and the identity of a commit.
_OWN_COLUMNS = {"core.landed_object": ("landed_at",)}
_AT_ONCE = 40
_OWN_ROWS = {"core.warehouse": "name not in ('commit', 'lake_version')"}


def differences(local: Path, lake: Path) -> list[str]:
    """Tables whose rows differ, with how many rows only one side has; [] is the promise."""
    with open_in_memory(spill=None) as connection:
        for name, home in (("ours", local), ("book", lake)):
            file = quote(str(home / "warehouse.duckdb"))
            connection.execute(f"attach {file} as {name} (read_only)")
        return list(_differences(connection, LakeFolder(lake)))


def _differences(connection: duckdb.DuckDBPyConnection, lake: LakeFolder) -> Iterator[str]:
    files = lake_files(lake)
    tables = {name: _tables(connection, name) for name in ("ours", "book")}
    if tables["ours"] != tables["book"]:
        yield f"tables: {tables['ours'] ^ tables['book']}"
    places = []
    for table in sorted(tables["ours"] & tables["book"]):
        if table in files:
            yield from _rows_in_book(connection, table)
            listing = ", ".join(quote(str(path)) for path in files[table])
            places.append((table, f"read_parquet([{listing}], union_by_name = true)"))
        else:
            places.append((table, f"book.{table}"))
    for some in batched(places, _AT_ONCE):
        yield from _compare(connection, some)


def batched(items: list[tuple[str, str]], size: int) -> Iterator[list[tuple[str, str]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _rows_in_book(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[str]:
    if rows := _count(connection, f"select * from book.{table}"):
        yield f"{table}: {rows} rows are in the book, which are files"


def _compare(connection: duckdb.DuckDBPyConnection, places: list[tuple[str, str]]) -> Iterator[str]:
    """Compare sums of hashes of rows first, as asking for all rows of a thousand tables takes long."""
    selects = {
        table: [_rows_of(connection, table, place) for place in (f"ours.{table}", theirs)]
        for table, theirs in places
    }
    sums = {
        side: connection.execute(
            " union all ".join(
                f"select '{table}', count(*), sum(cast(hash(r) as hugeint)) from ({own[side]}) as r"
                for table, own in selects.items()
            )
        ).fetchall()
        for side in (0, 1)
    }
    for one, other in zip(sorted(sums[0]), sorted(sums[1]), strict=True):
        if one != other:
            ours, theirs = selects[one[0]]
            missing = _count(connection, f"{ours} except all {theirs}")
            surplus = _count(connection, f"{theirs} except all {ours}")
            yield f"{one[0]}: {missing} rows are missing, {surplus} are too many"


def _rows_of(connection: duckdb.DuckDBPyConnection, table: str, place: str) -> str:
    columns = _columns(connection, table)
    return f"select {columns} from {place} where {_OWN_ROWS.get(table, 'true')}"


def lake_files(lake: LakeFolder) -> dict[str, list[Path]]:
    """The files of every table of data models, by all versions."""
    files: dict[str, list[Path]] = {}
    for held in lake.held(lake.newest()):
        files.setdefault(held.file.table, []).append(lake.path_of(held.file.file))
    return files


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    query = "select schema_name || '.' || table_name from duckdb_tables() where database_name = ?"
    return {row[0] for row in connection.execute(query, [database]).fetchall()}


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    own = _OWN_COLUMNS.get(table, ())
    described = connection.execute(f"describe ours.{table}").fetchall()
    return ", ".join(row[0] for row in described if row[0] not in own)


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(f"select count(*) from ({query})").fetchall()[0][0])


def published_differences(ours: Path, theirs: Path) -> list[str]:
    """Tables, marts and views of two published versions whose rows differ; times of landing aside."""
    sums = [_published_sums(folder) for folder in (ours, theirs)]
    names = sorted(sums[0].keys() | sums[1].keys())
    return [name for name in names if sums[0].get(name) != sums[1].get(name)]


def _published_sums(folder: Path) -> dict[str, tuple[int, int]]:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        rows = connection.execute(
            "select schema_name || '.' || view_name from duckdb_views() where not internal"
        ).fetchall()
        sums: dict[str, tuple[int, int]] = {}
        for start in range(0, len(rows), _AT_ONCE):
            selects = [
                f"select '{name}', count(*), sum(cast(hash(r) as hugeint)) "
                f"from (select {_published_columns(connection, name)} from {name} "
                f"where {_OWN_ROWS.get(name, 'true')}) as r"
                for (name,) in rows[start : start + _AT_ONCE]
            ]
            for name, *own in connection.execute(" union all ".join(selects)).fetchall():
                sums[name] = tuple(own)
    return sums


def _published_columns(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    own = _OWN_COLUMNS.get(name, ())
    described = connection.execute(f"describe {name}").fetchall()
    return ", ".join(f'"{row[0]}"' for row in described if row[0] not in own)
