"""What tables a database has, and how each of their types is shown to readers' tools.

Power BI, Tableau, Spark, pandas and polars read neither UUIDs nor lists: both become text. Sums
that DuckDB widens to 128 bits become decimals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import duckdb

TEXT = "VARCHAR"
INSTANT = "TIMESTAMP WITH TIME ZONE"
MESSAGE_ID = "message_id"
SLICE = "slice"
_WIDE = "DECIMAL(38,0)"
_PLAIN_TYPES = frozenset(
    {"BIGINT", "INTEGER", "SMALLINT", "DOUBLE", "FLOAT", "BOOLEAN", TEXT, "DATE", INSTANT}
)
_TOLD_AS = {
    "UUID": (TEXT, "cast({} as varchar)"),
    "INTEGER[]": (TEXT, "array_to_string({}, '.')"),
    "HUGEINT": (_WIDE, "cast({} as decimal(38, 0))"),
    "UBIGINT": (_WIDE, "cast({} as decimal(38, 0))"),
}
_OTHER = (TEXT, "cast(to_json({}) as varchar)")


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `sql_type` is DuckDB's name of the type."""

    name: str
    sql_type: str
    comment: str
    is_key: bool


NOT_FOR_READERS = {"core.landed_object": ("uri",)}
"""Names of input files, which may name a patient, stay in the warehouse."""
NO_TABLES_FOR_READERS = frozenset(
    {"core.duplicate_delivery", "core.purged_item", "core.purged_content"}
)
"""What only a purge needs to know, by the delivery."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view. `key` is what its rows are sorted by; empty where none is known."""

    schema: str
    name: str
    comment: str
    columns: tuple[Column, ...]

    @property
    def qualified_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_key)

    def has_column(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    def as_published(self) -> Relation:
        """The same relation with the types its published form has."""
        if all(_telling(column)[0] == column.sql_type for column in self.columns):
            return self
        columns = (replace(column, sql_type=_telling(column)[0]) for column in self.columns)
        return replace(self, columns=tuple(columns))

    def with_key(self, key: Sequence[str]) -> Relation:
        """The same relation, sorted by these of its columns."""
        columns = (replace(column, is_key=column.name in key) for column in self.columns)
        return replace(self, columns=tuple(columns))


def read_relations(
    connection: duckdb.DuckDBPyConnection, *, database: str | None = None
) -> dict[str, Relation]:
    """Every table and view of a database by qualified name; NOT NULL columns are the key.

    Tables and columns that are not for readers are left out.
    """
    name = database or _text(connection, "select current_database()")
    comments = {
        (schema, table): comment or ""
        for source in ("duckdb_tables", "duckdb_views")
        for schema, table, comment in connection.execute(
            f"select schema_name, {source[7:-1]}_name, comment from {source}() "
            "where not internal and database_name = ?",
            [name],
        ).fetchall()
    }
    rows = connection.execute(
        "select schema_name, table_name, column_name, data_type, comment, is_nullable "
        "from duckdb_columns() where not internal and database_name = ? "
        "order by schema_name, table_name, column_index",
        [name],
    ).fetchall()
    relations = {}
    for (schema, table), own in groupby(rows, key=lambda row: row[:2]):
        if f"{schema}.{table}" in NO_TABLES_FOR_READERS:
            continue
        hidden = NOT_FOR_READERS.get(f"{schema}.{table}", ())
        columns = tuple(_column(row) for row in own if row[2] not in hidden)
        relation = Relation(schema, table, comments.get((schema, table), ""), columns)
        relations[relation.qualified_name] = relation
    return relations


def _column(row: Sequence[object]) -> Column:
    return Column(str(row[2]), str(row[3]), str(row[4] or ""), not row[5])


def _text(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    row = connection.execute(query).fetchone()
    return str(row[0]) if row else ""


def _telling(column: Column) -> tuple[str, str]:
    """The published type of a column and how it is made of the stored one."""
    if column.sql_type in _PLAIN_TYPES or column.sql_type.startswith("DECIMAL("):
        return column.sql_type, "{}"
    return _TOLD_AS.get(column.sql_type, _OTHER)


def plain_expression(column: Column) -> str:
    """The expression that gives the published form of a column."""
    return _telling(column)[1].format(column.name)


def plain_columns(relation: Relation) -> Iterator[str]:
    """The select list that gives the published form of a table."""
    for column in relation.columns:
        told = plain_expression(column)
        yield column.name if told == column.name else f"{told} as {column.name}"
