"""SQLAlchemy tables compiled from the plan: schemas, keys, comments.

Keys are declared here and tested; the DDL sent to DuckDB has none (see the decisions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, Double, Integer, MetaData, Numeric, Text
from sqlalchemy import Table as SqlTable
from sqlalchemy.types import TypeEngine

from models.catalog.records import Catalog, ValueSetKind
from models.tables.fixed import FIXED, INSTANT, Binary128
from models.tables.plan import CORE_SCHEMA, ROOT_COLUMNS, Storage, Table, WarehousePlan
from models.tables.plan import Column as PlanColumn

SQL_TYPES: Mapping[Storage, TypeEngine[Any]] = {
    Storage.TEXT: Text(),
    Storage.JSON: Text(),
    Storage.INTEGER: BigInteger(),
    Storage.MONEY: Numeric(18, 4),
    Storage.DOUBLE: Double(),
    Storage.BOOLEAN: Boolean(),
    Storage.DATE: Date(),
    Storage.TIMESTAMP: INSTANT,
}

_ENVELOPE: tuple[tuple[str, TypeEngine[Any], str], ...] = (
    ("load_id", BigInteger(), "Load that stored the message"),
    ("object_id", Text(), "Landed object that holds its bytes"),
    ("item", BigInteger(), "0-based position in the landed object"),
    ("content_hash", Binary128(), "Fingerprint of the content, equal for redeliveries"),
    ("log_id", Text(), "First non-empty Meta.Logs[].ID"),
    ("read_as", Text(), "Event type the message is read as where it came under its query's"),
    ("received_at", INSTANT, "When the message was received, UTC, where known"),
)


def compile_metadata(catalog: Catalog, plan: WarehousePlan, metadata: MetaData) -> None:
    """Add the tables that every warehouse has: the fixed ones and those of Meta."""
    for fixed in FIXED.tables.values():
        fixed.to_metadata(metadata)
    for table in plan.core.values():
        _sql_table(table, catalog, metadata)


def compile_model_metadata(
    catalog: Catalog, plan: WarehousePlan, data_model: str, metadata: MetaData
) -> None:
    """Add the tables of one data model."""
    for table in plan.models[data_model].values():
        _sql_table(table, catalog, metadata)


def _sql_table(table: Table, catalog: Catalog, metadata: MetaData) -> SqlTable:
    columns = [*_key_columns(table), *_leading_columns(table)]
    columns += [
        Column(column.name, SQL_TYPES[column.storage], comment=column_comment(column, catalog))
        for column in table.columns
    ]
    return SqlTable(
        table.name, metadata, *columns, schema=table.schema, comment=table_comment(table)
    )


def _key_columns(table: Table) -> Iterable[Column[object]]:
    comment = "Number of the message in the warehouse, permanent"
    yield Column("message_id", BigInteger(), nullable=False, comment=comment, info={"key": True})
    for name in table.ordinals:
        comment = "1-based position in the array, as received"
        yield Column(name, Integer(), nullable=False, comment=comment, info={"key": True})


_TYPE_NAMES: Mapping[str, str] = {
    "BIGINT": "BIGINT",
    "TEXT": "VARCHAR",
    "BOOLEAN": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMPTZ",
    "UUID": "UUID",
}


def leading_columns(table: Table) -> Iterable[tuple[str, str]]:
    """Names and SQL types of what is in a table of messages before the columns of its paths."""
    for column in _leading_columns(table):
        name = column.type.get_col_spec() if isinstance(column.type, Binary128) else column.type
        yield column.name, _TYPE_NAMES[str(name)]


def _leading_columns(table: Table) -> Iterable[Column[object]]:
    if table.path:
        return
    if table.schema == CORE_SCHEMA:
        for name, sql_type, comment in _ENVELOPE:
            yield Column(name, sql_type, comment=comment)
        return
    for name, storage, comment in ROOT_COLUMNS:
        yield Column(name, SQL_TYPES[storage], comment=comment)


def table_comment(table: Table) -> str:
    """The grain and key of a table, in one sentence."""
    grain = f"message and element of {table.path}" if table.path else "message"
    return f"One row per {grain}; key {', '.join(table.key)}"


def as_title(meaning: str) -> str:
    """A meaning as it begins a text."""
    return meaning[:1].upper() + meaning[1:]


def column_comment(column: PlanColumn, catalog: Catalog) -> str:
    """Meaning, path, type, value set and sensitivity of a column, one fact after the other."""
    field = column.field
    facts = [as_title(field.meaning), field.path] if field.meaning else [field.path]
    if column.storage is Storage.JSON:
        facts.append("JSON text")
    if field.value_set:
        kind = catalog.value_sets[field.value_set].kind
        word = "supported values" if kind is ValueSetKind.CLOSED else f"{kind.value} values"
        facts.append(f"value set {field.value_set} ({word})")
    if field.sensitivity and field.sensitivity != "none":
        facts.append(f"sensitivity {field.sensitivity}")
    return "; ".join(facts)
