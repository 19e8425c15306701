"""Creates the tables of the warehouse, as they are needed, and writes the catalog's own tables."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from etl.duckdb_files import planned_simply
from etl.warehouse.lake import LakeFolder
from models.catalog.records import Catalog
from models.compile.dictionary import dictionary_tables
from models.tables.plan import WarehousePlan

CATALOG_HASH = "catalog_hash"
FIXED_VERSION = "fixed_tables"
FIXED_DIGEST = "911d11bf825f7e2d"
"""Changes with the tables of fixed shape, so that a warehouse of a release before gets what is new.

Computing it takes SQLAlchemy, whose import takes longer than a small load; a test compares it.
"""
REBUILD_TABLES = "run `redox-warehouse reload --rebuild-tables`"
IS_RETYPING = "is_retyping"


class Schema:
    """The tables of one catalog; brings a warehouse up to it, additively."""

    def __init__(
        self, catalog: Catalog, plan: WarehousePlan, *, remedy: str = REBUILD_TABLES
    ) -> None:
        """`remedy` says what to do where the catalog gives a column another type."""
        self.catalog = catalog
        self.plan = plan
        self._remedy = remedy

    def ensure(self, connection: duckdb.DuckDBPyConnection, data_models: Iterable[str]) -> None:
        """Create what is missing for these data models, in the caller's transaction.

        Raises PermanentError when an existing column has another type than the catalog says.
        """
        has_changed = not is_current(connection, self.catalog.content_hash)
        present = set(self._present_models(existing_tables(connection)))
        missing = set(data_models) | present if has_changed else set(data_models) - present
        if not has_changed and not missing:
            return
        columns = existing_columns(connection)
        # SQLAlchemy takes longer to import than a small load takes, and most loads make no table
        from etl.warehouse.statements import compile_tables, create_statements

        metadata = compile_tables(self.catalog, self.plan, missing, with_fixed=has_changed)
        comments = existing_comments(connection)
        with planned_simply(connection):
            connection.execute(
                ";\n".join(create_statements(metadata, columns, comments, remedy=self._remedy))
            )
        if has_changed:
            self._write_catalog(connection)

    def retype(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Give columns the types the catalog says now, in the caller's transaction.

        What cannot be cast becomes null until its slice is reloaded from landed bytes, so a mark
        stays on the warehouse until `finish_retyping`.
        """
        from etl.warehouse.statements import compile_tables, retype_statements

        columns = existing_columns(connection)
        metadata = compile_tables(self.catalog, self.plan, self._present_models(columns))
        for statement in retype_statements(metadata, columns):
            connection.execute(statement)
        self.finish_retyping(connection)
        connection.execute("insert into core.warehouse values (?, 'yes')", [IS_RETYPING])

    def is_retyping(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """True if columns were retyped and not every slice was reloaded since."""
        query = "select 1 from core.warehouse where name = ?"
        return bool(connection.execute(query, [IS_RETYPING]).fetchall())

    def finish_retyping(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take the mark off the warehouse."""
        connection.execute("delete from core.warehouse where name = ?", [IS_RETYPING])

    def _present_models(self, columns: Container[str]) -> Iterator[str]:
        for name, tables in self.plan.models.items():
            if tables[""].qualified_name in columns:
                yield name

    def _write_catalog(self, connection: duckdb.DuckDBPyConnection) -> None:
        for name, rows in dictionary_tables(self.catalog, self.plan).items():
            replace_rows(connection, name, rows)
        facts = {CATALOG_HASH: self.catalog.content_hash, FIXED_VERSION: FIXED_DIGEST}
        for name, value in facts.items():
            connection.execute("delete from core.warehouse where name = ?", [name])
            connection.execute("insert into core.warehouse values (?, ?)", [name, value])


def retype_remedy(home: Path) -> str:
    """What to do where the catalog gives a column of a home another type."""
    if LakeFolder(home).is_there():
        return (
            "a lake's files keep their types: take the line back from HOME/catalog, or load its "
            "sources into a new home with `redox-warehouse spark-load`"
        )
    return REBUILD_TABLES


def is_current(connection: duckdb.DuckDBPyConnection, catalog_hash: str) -> bool:
    """True if the warehouse has the fixed tables of this release and was made by this catalog."""
    query = (
        "select 1 from duckdb_tables() where schema_name = 'core' and table_name = 'warehouse' "
        "and database_name = current_database()"
    )
    if not connection.execute(query).fetchall():
        return False
    query = "select name, value from core.warehouse where name in (?, ?)"
    found = dict(connection.execute(query, [CATALOG_HASH, FIXED_VERSION]).fetchall())
    return found == {CATALOG_HASH: catalog_hash, FIXED_VERSION: FIXED_DIGEST}


def existing_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The qualified name of every table; takes a tenth of what asking for columns takes."""
    query = (
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where not internal and database_name = current_database()"
    )
    return {name for (name,) in connection.execute(query).fetchall()}


def existing_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """The columns and their types of every table, by qualified table name."""
    query = (
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where not internal and database_name = current_database()"
    )
    tables: dict[str, dict[str, str]] = {}
    for table, column, data_type in connection.execute(query).fetchall():
        tables.setdefault(table, {})[column] = data_type
    return tables


def existing_comments(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """The comments of columns that have one, by qualified table name and column."""
    query = (
        "select schema_name || '.' || table_name, column_name, comment from duckdb_columns() "
        "where not internal and database_name = current_database() and comment is not null"
    )
    rows = connection.execute(query).fetchall()
    return {(table, column): comment for table, column, comment in rows}


def replace_rows(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Make a table hold exactly these rows."""
    connection.execute(f"delete from {name}")
    if rows.num_rows:
        connection.register("new_rows", rows)
        connection.execute(f"insert into {name} by name select * from new_rows")
        connection.unregister("new_rows")
