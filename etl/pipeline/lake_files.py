"""The files of a lake's tables, as publishing and readers take them: up to the version of the book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from etl.pipeline.quarantine import READ_WAIT_S
from etl.publish.given import GivenFile, select_of
from etl.publish.relations import read_relations
from etl.settings import Settings
from etl.sql_text import quote
from etl.warehouse.connection import open_in_memory, open_warehouse, read_lock
from etl.warehouse.lake import VERSION_ROW, LakeFolder

BOOK = "book"


def lake_files(
    connection: duckdb.DuckDBPyConnection, home: Path, *, database: str = ""
) -> dict[str, list[GivenFile]]:
    """The files of every table that has some, by qualified name; nothing for a home that is no lake.

    `database` is the name under which the book is attached.
    """
    lake = LakeFolder(home)
    if not lake.is_there():
        return {}
    files: dict[str, list[GivenFile]] = defaultdict(list)
    for held in lake.held(book_version(connection, database=database)):
        file, columns = held.file, frozenset(held.columns)
        files[file.table].append(
            GivenFile(lake.path_of(file.file), file.rows, file.bytes, file.sha256, columns)
        )
    return files


@contextmanager
def open_rows(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every table of a home for reading, whichever kind it is, while nobody writes.

    In a lake they are views, of the book and of its files, in a database of their own.
    """
    path = settings.warehouse_path
    with read_lock(path, wait_s=READ_WAIT_S):
        if not LakeFolder(settings.home).is_there():
            with open_warehouse(path, read_only=True) as connection:
                yield connection
            return
        with open_in_memory(spill=settings.temporary_path) as connection:
            _make_views(connection, settings)
            yield connection


def attach_lake(connection: duckdb.DuckDBPyConnection, settings: Settings, *, name: str) -> None:
    """Attach every table of a lake under a name, as views of its book and of its files."""
    connection.execute(f"attach ':memory:' as {name}")
    _make_views(connection, settings, place=f"{name}.")


def _make_views(
    connection: duckdb.DuckDBPyConnection, settings: Settings, *, place: str = ""
) -> None:
    """Attach the book, and make a view of every table of it; `place` is a database with a point."""
    path = quote(str(settings.warehouse_path))
    connection.execute(f"attach {path} as {BOOK} (read_only)")
    files = lake_files(connection, settings.home, database=BOOK)
    relations = read_relations(connection, database=BOOK)
    query = "select schema_name, table_name from duckdb_tables() where database_name = ?"
    for schema, table in connection.execute(query, [BOOK]).fetchall():
        own = f"{schema}.{table}"
        is_file = own in files
        select = select_of(relations[own], files[own]) if is_file else f"from {BOOK}.{own}"
        connection.execute(f"create schema if not exists {place}{schema}")
        connection.execute(f"create view {place}{own} as {select}")


def book_version(connection: duckdb.DuckDBPyConnection, *, database: str = "") -> int:
    """Up to which version of its lake a book is, 0 before the first."""
    place = f"{database}.core.warehouse" if database else "core.warehouse"
    rows = connection.execute(f"select value from {place} where name = ?", [VERSION_ROW]).fetchall()
    return int(rows[0][0]) if rows else 0
