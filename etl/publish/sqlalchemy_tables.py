"""The tables, marts and views of a published version as SQLAlchemy tables, for typed queries.

duckdb-engine cannot reflect a file. What it would find is in DuckDB's own list of columns, with
the comments that the catalog and the marts gave them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Double,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.types import NullType, TypeEngine

_COLUMNS = """
select
    columns.schema_name, columns.table_name, columns.column_name, columns.data_type,
    columns.is_nullable, columns.comment, coalesce(tables.comment, views.comment)
from duckdb_columns() as columns
left join duckdb_tables() as tables using (database_name, schema_name, table_name)
left join duckdb_views() as views
    on views.database_name = columns.database_name
    and views.schema_name = columns.schema_name and views.view_name = columns.table_name
where columns.database_name = current_database() and not columns.internal
order by columns.schema_name, columns.table_name, columns.column_index
"""
_TYPES: Mapping[str, Callable[[], TypeEngine[Any]]] = {
    "VARCHAR": Text,
    "BIGINT": BigInteger,
    "HUGEINT": lambda: Numeric(38, 0),
    "INTEGER": Integer,
    "SMALLINT": SmallInteger,
    "DOUBLE": Double,
    "BOOLEAN": Boolean,
    "DATE": Date,
    "TIMESTAMP WITH TIME ZONE": lambda: TIMESTAMP(timezone=True),
    "TIMESTAMP": TIMESTAMP,
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def read_tables(connection: Connection) -> MetaData:
    """All tables and views of the DuckDB file that a connection has open.

    They are `metadata.tables["schema.table"]`, columns by their names in `.c`, comments in `.comment`.
    Lists are its ARRAY. Columns of a type without a counterpart have SQLAlchemy's NullType and come as
    DuckDB gives them.
    """
    metadata = MetaData()
    for schema, name, column, kind, is_nullable, comment, about in connection.execute(
        text(_COLUMNS)
    ):
        table = metadata.tables.get(f"{schema}.{name}")
        if table is None:
            table = Table(name, metadata, schema=schema, comment=about)
        table.append_column(
            Column(column, _type_of(kind), nullable=bool(is_nullable), comment=comment)
        )
    return metadata


def _type_of(kind: str) -> TypeEngine[Any]:
    if kind in _TYPES:
        return _TYPES[kind]()
    if kind.endswith("[]"):
        return ARRAY(_type_of(kind.removesuffix("[]")))
    found = _DECIMAL.fullmatch(kind)
    return Numeric(int(found[1]), int(found[2])) if found else NullType()
