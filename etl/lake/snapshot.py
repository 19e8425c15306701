"""All that the book of a lake holds, as Parquet files of a version that is whole, and back again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import duckdb

from etl.atomic import own_folder, sync_folder
from etl.lake.files import declared_tables, settled_file
from etl.sql_text import quote
from etl.warehouse.lake import BOOK, FOLDER, LakeFile, LakeFolder, LakeVersion
from etl.warehouse.schema import Schema, existing_tables
from models.tables.plan import WarehousePlan


def write_snapshot(
    connection: duckdb.DuckDBPyConnection, home: Path, plan: WarehousePlan
) -> Iterator[LakeFile]:
    """Write every table of the book, as the caller's transaction has it; gives the files."""
    folders = set()
    for name in sorted(existing_tables(connection) - declared_tables(plan).keys()):
        folder = home / FOLDER / BOOK / name.replace(".", "/")
        own_folder(folder)
        path = folder / f"{uuid.uuid4().hex}.parquet"
        connection.execute(
            f"copy (select * from {name}) to {quote(str(path))} (format parquet, compression zstd)"
        ).fetchall()
        folders.add(folder)
        yield settled_file(name, path, home / FOLDER)
    for folder in folders:
        sync_folder(folder)


def restore_snapshot(
    connection: duckdb.DuckDBPyConnection, lake: LakeFolder, version: LakeVersion, schema: Schema
) -> None:
    """Make the book hold what a whole version says and nothing else, in the caller's transaction."""
    schema.ensure(connection, set(version.models) & schema.plan.models.keys())
    for name in sorted(existing_tables(connection)):
        connection.execute(f"delete from {name}")
    for file in version.book:
        path = quote(str(lake.path_of(file.file)))
        connection.execute(f"insert into {file.table} by name select * from read_parquet({path})")


def present_models(connection: duckdb.DuckDBPyConnection, plan: WarehousePlan) -> Iterator[str]:
    """The data models that have tables in the book."""
    existing = existing_tables(connection)
    for name, tables in plan.models.items():
        if tables[""].qualified_name in existing:
            yield name
