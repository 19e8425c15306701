"""Creates the tables of the warehouse, as they are needed, and writes the catalog's own tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import duckdb
import pyarrow as pa
from duckdb_engine import Dialect
from sqlalchemy import MetaData, Table

from etl.errors import PermanentError
from etl.warehouse.connection import quote, quote_name
from models.catalog.records import Catalog
from models.compile.ddl import compile_metadata, compile_model_metadata
from models.compile.dictionary import dictionary_tables
from models.tables.plan import WarehousePlan

CATALOG_HASH = "catalog_hash"
IS_RETYPING = "is_retyping"


class Schema:
    """The tables of one catalog; brings a warehouse up to it, additively."""

    def __init__(self, catalog: Catalog, plan: WarehousePlan) -> None:
        self.catalog = catalog
        self.plan = plan

    def ensure(self, connection: duckdb.DuckDBPyConnection, data_models: Iterable[str]) -> None:
        """Create what is missing for these data models, in the caller's transaction.

        Raises PermanentError when an existing column has another type than the catalog says.
        """
        columns = existing_columns(connection)
        has_changed = self._catalog_of(connection, columns) != self.catalog.content_hash
        wanted = set(data_models) | (set(self._present_models(columns)) if has_changed else set())
        missing = {
            name
            for name in wanted
            if has_changed or self.plan.models[name][""].qualified_name not in columns
        }
        if not has_changed and not missing:
            return
        metadata = MetaData()
        if has_changed:
            compile_metadata(self.catalog, self.plan, metadata)
        for name in sorted(missing):
            compile_model_metadata(self.catalog, self.plan, name, metadata)
        self._create(connection, metadata, columns)
        if has_changed:
            self._write_catalog(connection)

    def retype(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Give columns the types the catalog says now, in the caller's transaction.

        What cannot be cast becomes null until its slice is reloaded from landed bytes, so a mark
        stays on the warehouse until `finish_retyping`.
        """
        columns = existing_columns(connection)
        metadata = MetaData()
        for name in self._present_models(columns):
            compile_model_metadata(self.catalog, self.plan, name, metadata)
        for table in metadata.sorted_tables:
            for name, wanted in _other_types(table, columns.get(str(table), {})):
                connection.execute(
                    f"alter table {table} alter column {quote_name(name)} type {wanted} "
                    f"using try_cast({quote_name(name)} as {wanted})"
                )
        self.finish_retyping(connection)
        connection.execute("insert into core.warehouse values (?, 'yes')", [IS_RETYPING])

    def is_retyping(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Whether columns were retyped and not every slice was reloaded since."""
        query = "select 1 from core.warehouse where name = ?"
        return connection.execute(query, [IS_RETYPING]).fetchone() is not None

    def finish_retyping(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take the mark off the warehouse."""
        connection.execute("delete from core.warehouse where name = ?", [IS_RETYPING])

    def _present_models(self, columns: dict[str, dict[str, str]]) -> Iterator[str]:
        for name, tables in self.plan.models.items():
            if tables[""].qualified_name in columns:
                yield name

    def _catalog_of(
        self, connection: duckdb.DuckDBPyConnection, columns: dict[str, dict[str, str]]
    ) -> str:
        if "core.warehouse" not in columns:
            return ""
        query = "select value from core.warehouse where name = ?"
        row = connection.execute(query, [CATALOG_HASH]).fetchone()
        return str(row[0]) if row else ""

    def _create(
        self,
        connection: duckdb.DuckDBPyConnection,
        metadata: MetaData,
        columns: dict[str, dict[str, str]],
    ) -> None:
        schemas = {table.schema for table in metadata.tables.values()}
        statements = [
            f"create schema if not exists {name}" for name in sorted(filter(None, schemas))
        ]
        for table in metadata.sorted_tables:
            statements += _table_statements(table, columns.get(str(table)))
        connection.execute(";\n".join(statements))

    def _write_catalog(self, connection: duckdb.DuckDBPyConnection) -> None:
        for name, rows in dictionary_tables(self.catalog, self.plan).items():
            replace_rows(connection, name, rows)
        connection.execute("delete from core.warehouse where name = ?", [CATALOG_HASH])
        row = [CATALOG_HASH, self.catalog.content_hash]
        connection.execute("insert into core.warehouse values (?, ?)", row)


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


def replace_rows(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Make a table hold exactly these rows."""
    connection.execute(f"delete from {name}")
    if rows.num_rows:
        connection.register("new_rows", rows)
        connection.execute(f"insert into {name} by name select * from new_rows")
        connection.unregister("new_rows")


_DIALECT = Dialect()


def _table_statements(table: Table, existing: dict[str, str] | None) -> list[str]:
    if existing is None:
        return [_create_table(table), *_comments(table, table.columns.keys())]
    for name, wanted in _other_types(table, existing):
        raise PermanentError(
            f"The catalog now stores {table}.{name} as {wanted}, the warehouse has "
            f"{existing[name]}; run `redox-warehouse reload --rebuild-tables`."
        )
    added = [column.name for column in table.columns if column.name not in existing]
    alter = [
        f"alter table {table} add column {quote_name(name)} {_type_name(table.columns[name].type)}"
        for name in added
    ]
    return [*alter, *(_comments(table, added) if added else ())]


def _other_types(table: Table, existing: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The columns that exist with another type than they should have, and that type."""
    for column in table.columns:
        wanted = _type_name(column.type)
        if column.name in existing and existing[column.name] != wanted:
            yield column.name, wanted


def _create_table(table: Table) -> str:
    columns = ", ".join(
        f"{column.name} {_type_name(column.type)}{'' if column.nullable else ' not null'}"
        for column in table.columns
    )
    return f"create table {table} ({columns})"


_TYPE_NAMES: dict[str, str] = {}
_DUCKDB_NAMES = {
    "TEXT": "VARCHAR",
    "NUMERIC(18, 4)": "DECIMAL(18,4)",
    "DOUBLE PRECISION": "DOUBLE",
    "FLOAT": "DOUBLE",
}


def _type_name(kind: object) -> str:
    key = repr(kind)
    if key not in _TYPE_NAMES:
        compiled = str(kind.compile(dialect=_DIALECT))  # type: ignore[attr-defined]
        _TYPE_NAMES[key] = _DUCKDB_NAMES.get(compiled, compiled)
    return _TYPE_NAMES[key]


def _comments(table: Table, columns: Iterable[str]) -> Iterator[str]:
    yield f"comment on table {table} is {quote(table.comment or '')}"
    for name in columns:
        comment = table.columns[name].comment
        if comment:
            yield f"comment on column {table}.{name} is {quote(comment)}"
