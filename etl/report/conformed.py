"""Views that give the supported value beside the received one.

One view per table with closed value sets, `<table>_conformed`: every column of the table, and
`<column>_supported` after each column with a closed set, null where nothing is known to be meant.
Compiled from the data dictionary of the database itself, so they fit whatever tables it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from etl.sql_text import quote

VIEW_SUFFIX = "_conformed"
COLUMN_SUFFIX = "_supported"

_TABLES = """
with closed_field as (
  select distinct
    field.table_schema,
    field.table_name,
    field.column_name,
    field.data_model,
    field.path
  from quality.field
  where field.table_schema <> 'core'
    and field.column_name <> ''
    and field.value_set in (select value_set from quality.value_set where kind = 'closed')
)

select
  columns.schema_name,
  columns.table_name,
  columns.column_name,
  closed_field.data_model,
  closed_field.path
from duckdb_columns() as columns
semi join closed_field as closed_table
  on closed_table.table_schema = columns.schema_name
  and closed_table.table_name = columns.table_name
left join closed_field
  on closed_field.table_schema = columns.schema_name
  and closed_field.table_name = columns.table_name
  and closed_field.column_name = columns.column_name
where columns.database_name = current_database()
order by columns.schema_name, columns.table_name, columns.column_index
"""
_HAS_SUPPORTED = """
select 1 from duckdb_views()
where database_name = current_database()
  and schema_name = 'quality' and view_name = 'supported_value'
"""


@dataclass(frozen=True, slots=True)
class ReceivedColumn:
    """A column of a table; `data_model` and `path` only where its value set is closed."""

    name: str
    data_model: str | None = None
    path: str | None = None


def create_conformed_views(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Create or replace the view of every table with closed value sets; gives their names.

    They stand on the view quality.supported_value; without it there are none.
    """
    if not connection.execute(_HAS_SUPPORTED).fetchall():
        return []
    tables: dict[str, list[ReceivedColumn]] = {}
    for schema, table, *column in connection.execute(_TABLES).fetchall():
        tables.setdefault(f"{schema}.{table}", []).append(ReceivedColumn(*column))
    for table, columns in tables.items():
        select = conformed_select(table, columns)
        connection.execute(f"create or replace view {table}{VIEW_SUFFIX} as {select}")
        comment = f"{table} with the supported value beside each received one"
        connection.execute(f"comment on view {table}{VIEW_SUFFIX} is '{comment}'")
    return [f"{table}{VIEW_SUFFIX}" for table in tables]


def conformed_select(table: str, columns: Sequence[ReceivedColumn]) -> str:
    """The SELECT of one view: all columns in order, joined to their supported values."""
    lines: list[str] = []
    joins: list[str] = []
    for column in columns:
        lines.append(f"received.{column.name}")
        if column.data_model is not None and column.path is not None:
            alias = f"supported_{len(joins) + 1}"
            lines.append(f"{alias}.supported as {column.name}{COLUMN_SUFFIX}")
            joins.append(_join(alias, column.name, column.data_model, column.path))
    listing = ",\n  ".join(lines)
    return "\n".join([f"select\n  {listing}\nfrom {table} as received", *joins])


def _join(alias: str, column: str, data_model: str, path: str) -> str:
    return (
        f"left join quality.supported_value as {alias}\n"
        f"  on {alias}.data_model = {quote(data_model)}\n"
        f"  and {alias}.path = {quote(path)}\n"
        f"  and {alias}.received = received.{column}"
    )
