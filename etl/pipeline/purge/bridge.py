"""The marts' bridge from messages to patients, computed from the warehouse as it is now.

A published version may be older, so its marts do not answer. Views and marts are computed in a
database in memory to which the warehouse is attached for reading as `stored`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from etl.pipeline.lake_files import BOOK, attach_lake
from etl.pipeline.reader_catalog import plan_catalog
from etl.publish.relations import Relation, plain_columns, read_relations
from etl.publish.views import AnalystView, ReaderCatalog, create_macros, stand_in_select
from etl.settings import Settings
from etl.sql_text import quote
from etl.warehouse.connection import open_in_memory
from etl.warehouse.lake import LakeFolder

STORED = "stored"
IDENTIFIERS = "mart.patient_identifier"
MENTIONS = "mart.message_patient"


@contextmanager
def open_stored(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with the warehouse attached for reading; the caller holds the lock."""
    with open_in_memory(spill=settings.temporary_path) as connection:
        if LakeFolder(settings.home).is_there():
            attach_lake(connection, settings, name=STORED)
        else:
            path = quote(str(settings.warehouse_path))
            connection.execute(f"attach {path} as {STORED} (read_only)")
        yield connection


def compute_bridge(
    connection: duckdb.DuckDBPyConnection, settings: Settings, catalog_hash: str
) -> None:
    """Make `mart.patient_identifier` and `mart.message_patient` of the attached warehouse."""
    is_lake = LakeFolder(settings.home).is_there()
    tables = read_relations(connection, database=BOOK if is_lake else STORED)
    views = plan_catalog(tables, settings, catalog_hash=catalog_hash)
    create_macros(connection, views.macros)
    bridge = _Bridge(connection, tables, views)
    bridge.create(IDENTIFIERS)
    bridge.create(MENTIONS)


@dataclass(slots=True)
class _Bridge:
    """Creates what is read, each after what it reads itself."""

    connection: duckdb.DuckDBPyConnection
    tables: Mapping[str, Relation]
    catalog: ReaderCatalog

    def create(self, name: str) -> None:
        """Create a relation and first what it reads; what is there already stays."""
        schema, _, own = name.partition(".")
        query = "select 1 from duckdb_columns() where database_name = 'memory' "
        query += "and schema_name = ? and table_name = ?"
        if self.connection.execute(query, [schema, own]).fetchall():
            return
        self.connection.execute(f"create schema if not exists {schema}")
        view = next((one for one in self.catalog.views if one.name == name), None)
        stand_in = next((r for r in self.catalog.stand_ins if r.qualified_name == name), None)
        if name in self.tables:
            columns = ", ".join(plain_columns(self.tables[name]))
            select = f"select {columns} from {STORED}.{name} as {own}"
            self.connection.execute(f"create view {name} as {select}")
        elif view is not None:
            self._create_view(view)
        elif stand_in is not None:
            self.connection.execute(f"create view {name} as {stand_in_select(stand_in)}")

    def _create_view(self, view: AnalystView) -> None:
        for read in sorted(view.reads):
            if read != view.name:
                self.create(read)
        kind = "table" if view.is_stored else "view"
        self.connection.execute(f"create {kind} {view.name} as {view.select}")
