"""Arrow schemas compiled from the catalog: how messages are parsed, how rows are staged."""

from __future__ import annotations

import pyarrow as pa

from models.compile.shapes import Node, NodeKind, Shape
from models.tables.plan import Storage, Table

MESSAGE_NUMBER = "message_no"

_PARSED: dict[Storage, pa.DataType] = {
    Storage.TEXT: pa.string(),
    Storage.JSON: pa.string(),
    Storage.DATE: pa.string(),
    Storage.TIMESTAMP: pa.string(),
    Storage.BOOLEAN: pa.bool_(),
    Storage.INTEGER: pa.int64(),
    Storage.DOUBLE: pa.float64(),
    Storage.MONEY: pa.decimal128(18, 4),
}
STORED: dict[Storage, pa.DataType] = _PARSED | {
    Storage.DATE: pa.date32(),
    Storage.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


def parse_schema(shape: Shape) -> pa.Schema:
    """The schema by which conforming messages are parsed; times are still text."""
    return pa.schema(list(_struct_type(shape.root)))


def _struct_type(node: Node) -> pa.StructType:
    return pa.struct([pa.field(key, _type_of(child)) for key, child in node.children.items()])


def _type_of(node: Node) -> pa.DataType:
    if node.kind is NodeKind.OBJECT:
        return _struct_type(node)
    if node.kind is NodeKind.OBJECTS:
        return pa.list_(_struct_type(node))
    scalar = _PARSED[node.storage or Storage.TEXT]
    return pa.list_(scalar) if node.kind is NodeKind.SCALARS else scalar


def row_schema(table: Table) -> pa.Schema:
    """The schema of one table's rows: key first (message_id, ordinals), then columns."""
    key = [pa.field("message_id", pa.int64(), nullable=False)]
    key += [pa.field(name, pa.int32(), nullable=False) for name in table.ordinals]
    return pa.schema(key + [pa.field(c.name, STORED[c.storage]) for c in table.columns])
