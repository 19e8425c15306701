"""Builds the marts of a home the way publishing does, without the version around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from etl.pipeline.reader_catalog import plan_catalog
from etl.publish.parquet import write_tables
from etl.publish.relations import read_relations
from etl.publish.state import read_state
from etl.publish.stored import Limits, Stored, write_stored
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse


def build_marts(settings: Settings, folder: Path) -> Stored:
    """Write the tables of a warehouse and its marts below an empty folder."""
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        relations = read_relations(connection)
        state = read_state(connection, relations)
        tables, _ = write_tables(connection, state, folder, earlier=None, workers=2)
    catalog = plan_catalog(relations, settings, catalog_hash="")
    limits = Limits(2**30, 2, settings.temporary_path)
    return write_stored(catalog, tables, folder, earlier=None, limits=limits)


@contextmanager
def opened_marts(settings: Settings, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which the marts of a home are views."""
    folder.mkdir(parents=True)
    stored = build_marts(settings, folder)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name in stored.files:
            schema, _, table = name.partition(".")
            connection.execute(f"create schema if not exists {schema}")
            place = folder / schema / table / "*.parquet"
            connection.execute(f"create view {name} as from read_parquet('{place}')")
        yield connection
