"""The statements that make and change tables, written from the SQLAlchemy tables of the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from duckdb_engine import Dialect
from sqlalchemy import MetaData, Table

from etl.errors import PermanentError
from etl.sql_text import quote, quote_name
from models.catalog.records import Catalog
from models.compile.ddl import compile_metadata, compile_model_metadata
from models.tables.plan import WarehousePlan

Columns = Mapping[str, Mapping[str, str]]
"""The columns and their types that exist, by qualified table name."""
Comments = Mapping[tuple[str, str], str]
"""The comments of existing columns, by qualified table name and column."""


def compile_tables(
    catalog: Catalog, plan: WarehousePlan, data_models: Iterable[str], *, with_fixed: bool = False
) -> MetaData:
    """The tables of these data models, and those that every warehouse has if asked for."""
    metadata = MetaData()
    if with_fixed:
        compile_metadata(catalog, plan, metadata)
    for name in sorted(data_models):
        compile_model_metadata(catalog, plan, name, metadata)
    return metadata


def create_statements(
    metadata: MetaData, columns: Columns, comments: Comments, *, remedy: str
) -> Iterator[str]:
    """What makes missing schemas, tables, columns and comments, and corrects other comments.

    Raises PermanentError when an existing column has another type than the catalog says; `remedy`
    is what to do then.
    """
    schemas = {table.schema for table in metadata.tables.values()}
    for name in sorted(filter(None, schemas)):
        yield f"create schema if not exists {name}"
    for table in metadata.sorted_tables:
        yield from _table_statements(table, columns.get(str(table)), comments, remedy)


def retype_statements(metadata: MetaData, columns: Columns) -> Iterator[str]:
    """What gives existing columns the types of the catalog; what cannot be cast becomes null."""
    for table in metadata.sorted_tables:
        for name, wanted in _other_types(table, columns.get(str(table), {})):
            yield (
                f"alter table {table} alter column {quote_name(name)} type {wanted} "
                f"using try_cast({quote_name(name)} as {wanted})"
            )


_DIALECT = Dialect()


def _table_statements(
    table: Table, existing: Mapping[str, str] | None, comments: Comments, remedy: str
) -> list[str]:
    if existing is None:
        return [_create_table(table), *_comments(table, table.columns.keys())]
    for name, wanted in _other_types(table, existing):
        raise PermanentError(
            f"The catalog now stores {table}.{name} as {wanted}, the warehouse has "
            f"{existing[name]}; {remedy}."
        )
    added = [column.name for column in table.columns if column.name not in existing]
    alter = [
        f"alter table {table} add column {quote_name(name)} {_type_name(table.columns[name].type)}"
        for name in added
    ]
    other = [
        column.name
        for column in table.columns
        if (column.comment or "") != comments.get((str(table), column.name), "")
    ]
    return [*alter, *(_comments(table, other) if other else ())]


def _other_types(table: Table, existing: Mapping[str, str]) -> Iterator[tuple[str, str]]:
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
