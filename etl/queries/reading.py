"""Opens what readers read. Nothing here can write.

`open_for_reading`: the published version, or the warehouse itself before the first one. Either way the
same schemas, names and types are there, the analysts' views of sql/ included; only the marts are in
published versions alone. `open_newest`: the warehouse, or what was published last while a load writes.
Findings and drift are asked right after a load, before anything is published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from etl.errors import UsageFault, WarehouseBusy
from etl.pipeline.lake_files import lake_files
from etl.pipeline.reader_catalog import fill, plan_catalog
from etl.publish.folders import VIEWS_FILE, PublishedFolder
from etl.publish.given import select_of
from etl.publish.manifest import MANIFEST, read_manifest
from etl.publish.relations import Relation, read_relations
from etl.publish.views import tables_of
from etl.settings import Settings
from etl.sql_text import quote
from etl.warehouse.connection import open_in_memory, open_warehouse, read_lock

WAIT_S = 60.0
WAIT_BESIDE_PUBLISHED_S = 2.0
WAREHOUSE = "warehouse"
_SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Readable:
    """An open place to read from: `tables` are the warehouse's own, with their keys."""

    connection: duckdb.DuckDBPyConnection
    tables: Mapping[str, Relation]
    origin: str


@contextmanager
def open_for_reading(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in UTC to the published version, else to the warehouse, never for writing.

    Raises UsageFault when nothing was ever loaded, WarehouseBusy when nothing is published and a
    load has the warehouse open.
    """
    with open_readable(settings) as readable:
        yield readable.connection


@contextmanager
def open_readable(settings: Settings) -> Iterator[Readable]:
    """The same as `open_for_reading`, with what is there to read."""
    published = PublishedFolder(settings.published_path).current()
    if published is not None:
        # The real path, not the link's: DuckDB goes on with the file it has open under a path.
        with open_warehouse(
            published / VIEWS_FILE, read_only=True, spill=settings.temporary_path
        ) as connection:
            yield _published(connection, published)
    elif settings.warehouse_path.exists():
        with open_in_memory(spill=settings.temporary_path) as connection:
            yield _look_into_warehouse(connection, settings)
    else:
        raise UsageFault("There is nothing to read yet; run `redox-warehouse load` first.")


@contextmanager
def open_published(
    settings: Settings,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str, Path]]:
    """The published version alone: a connection, its name, its folder.

    Raises UsageFault where nothing is published.
    """
    folder = PublishedFolder(settings.published_path).current()
    if folder is None:
        raise UsageFault("No version is published yet; run `redox-warehouse publish` first.")
    path = folder / VIEWS_FILE
    with open_warehouse(path, read_only=True, spill=settings.temporary_path) as connection:
        yield connection, f"version {folder.name}", folder


def _published(connection: duckdb.DuckDBPyConnection, folder: Path) -> Readable:
    manifest = read_manifest(folder / MANIFEST)
    if manifest is None:
        raise UsageFault("The published version was made by another release; publish again.")
    relations = read_relations(connection)
    tables = {name: relations[name].with_key(files.key) for name, files in manifest.tables.items()}
    return Readable(connection, tables, f"published version {manifest.version}")


def _select_of_home(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> Callable[[Relation], str]:
    """The SELECT of each table: of the attached warehouse, or of a lake's files."""
    files = lake_files(connection, settings.home, database=_SOURCE)
    stored = tables_of(_SOURCE)

    def select(relation: Relation) -> str:
        own = files.get(relation.qualified_name)
        return select_of(relation, own) if own else stored(relation)

    return select


def _look_into_warehouse(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Readable:
    connection.execute(f"attach {quote(str(settings.warehouse_path))} as {_SOURCE} (read_only)")
    relations = read_relations(connection, database=_SOURCE)
    catalog = plan_catalog(relations, settings, catalog_hash="").without_stored()
    fill(connection, catalog, _select_of_home(connection, settings))
    tables = {name: relation.as_published() for name, relation in relations.items()}
    return Readable(connection, tables, "the warehouse")


@contextmanager
def open_newest(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A read-only connection, and what it looks into: `warehouse` or `published version N`.

    Raises UsageFault when nothing was ever loaded, WarehouseBusy when a load holds the warehouse
    and nothing is published.
    """
    published = PublishedFolder(settings.published_path).current()
    if not settings.warehouse_path.exists():
        raise UsageFault("There is no warehouse yet; run `redox-warehouse load` first.")
    with ExitStack() as stack:
        try:
            wait_s = WAIT_BESIDE_PUBLISHED_S if published else WAIT_S
            stack.enter_context(read_lock(settings.warehouse_path, wait_s=wait_s))
            connection = stack.enter_context(
                open_warehouse(settings.warehouse_path, read_only=True)
            )
            place = WAREHOUSE
        except WarehouseBusy:
            if published is None:
                raise
            connection = stack.enter_context(
                open_warehouse(
                    published / VIEWS_FILE, read_only=True, spill=settings.temporary_path
                )
            )
            place = f"published version {published.name}"
        yield connection, place
