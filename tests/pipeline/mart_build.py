"""Builds the marts of a home the way publishing does, without the version around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from etl.pipeline.reader_catalog import plan_catalog
from etl.publish.parquet import write_tables
from etl.publish.relations import read_relations
from etl.publish.state import WarehouseState, read_state
from etl.publish.stored import Limits, Stored, write_stored
from etl.publish.views import AnalystView, ReaderCatalog
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse


def build_marts(settings: Settings, folder: Path, wanted: Iterable[str] = ()) -> Stored:
    """Write the tables of a warehouse and its marts below an empty folder; only what is wanted."""
    folder.mkdir(parents=True)
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        relations = read_relations(connection)
        state = read_state(connection, relations)
        catalog = _only(plan_catalog(relations, settings, catalog_hash=""), frozenset(wanted))
        read = frozenset().union(*(view.reads for view in catalog.views))
        tables, _ = write_tables(
            connection, _only_tables(state, read), folder, earlier=None, workers=2
        )
    limits = Limits(2**30, 2, settings.temporary_path)
    return write_stored(catalog, tables, folder, earlier=None, limits=limits)


def _only(catalog: ReaderCatalog, wanted: frozenset[str]) -> ReaderCatalog:
    """The catalog with these views and what they read; as it is where nothing is named."""
    if not wanted:
        return catalog
    views = {view.name: view for view in catalog.views}
    chosen: dict[str, AnalystView] = {}
    waiting = [name for name in wanted if name in views]
    while waiting:
        name = waiting.pop()
        chosen[name] = views[name]
        waiting += [read for read in views[name].reads if read in views and read not in chosen]
    return replace(catalog, views=tuple(chosen.values()))


def _only_tables(state: WarehouseState, read: frozenset[str]) -> WarehouseState:
    relations = {name: one for name, one in state.relations.items() if name in read}
    parts = {name: one for name, one in state.parts.items() if name in read}
    return replace(state, relations=relations, parts=parts)


@contextmanager
def opened(folder: Path, stored: Stored) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which the marts that were built below a folder are views."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name in stored.files:
            schema, _, table = name.partition(".")
            connection.execute(f"create schema if not exists {schema}")
            place = folder / schema / table / "*.parquet"
            connection.execute(f"create view {name} as from read_parquet('{place}')")
        yield connection


@contextmanager
def opened_marts(settings: Settings, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which the marts of a home are views."""
    with opened(folder, build_marts(settings, folder)) as connection:
        yield connection
