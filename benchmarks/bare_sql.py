"""Compiles the catalog into the SQL of the bare contender: parse and unnest into our tables.

Gives one JSON script, which `bare_duckdb` runs without reading a catalog. No checks, no counts, no
ledger: a misfit becomes null, an element becomes a row even when nothing in it is filled.
`$source` in a statement stands for the rows it reads: `message_id`, ordinals so far, `item`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.catalog import Catalog
from models.catalog.meta_fields import META
from models.compile.shapes import ModelShapes, Node, NodeKind, Shape
from models.tables.plan import CORE_SCHEMA, Storage, Table, WarehousePlan, plan_tables

# Read as text first: the reader refuses a whole file for one "" in a typed time column.
_READ_AS = {Storage.DATE: "VARCHAR", Storage.TIMESTAMP: "VARCHAR", Storage.JSON: "JSON"}
_LEADING = {
    "event_type": "Meta.EventType",
    "event_at": "Meta.EventDateTime",
    "source_id": "Meta.Source.ID",
    "facility_code": "Meta.FacilityCode",
    "is_test": "Meta.Test",
}
Json = dict[str, Any]


@dataclass(slots=True)
class _Grain:
    """What the rows of one array path (or of the messages) hold: expressions by path, arrays."""

    path: str
    key: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)
    arrays: list[tuple[str, Node]] = field(default_factory=list)


def write_script(catalog: Catalog, path: Path) -> None:
    """Compile the statements of every data model into a file."""
    plan = plan_tables(catalog)
    models = {name: list(_groups(catalog, plan, name)) for name in catalog.data_models}
    path.write_text(json.dumps(models))


def _groups(catalog: Catalog, plan: WarehousePlan, data_model: str) -> Iterator[Json]:
    """One entry per shape of a model, with the event types that are read by it."""
    shapes = ModelShapes(catalog, data_model)
    events: dict[int, list[str]] = {}
    for event in catalog.data_models[data_model].event_types:
        variant = shapes.for_event(event.event_type).variant
        events.setdefault(variant, []).append(event.event_type)
    for variant, own in events.items():
        shape = shapes.variant(variant)
        children = shape.root.children.items()
        yield {
            "events": own,
            "columns": {key: _sql_type(node) for key, node in children},
            "structure": json.dumps({key: _structure(node) for key, node in children}),
            "grain": _Compiler(plan, shape).root(),
        }


def _sql_type(node: Node) -> str:
    if node.kind is NodeKind.LEAF:
        return _read_type(node)
    if node.kind is NodeKind.SCALARS:
        return f"{_read_type(node)}[]"
    inner = ", ".join(f"{quoted(key)} {_sql_type(child)}" for key, child in node.children.items())
    return f"STRUCT({inner})" + ("[]" if node.kind is NodeKind.OBJECTS else "")


def _structure(node: Node) -> Any:
    if node.kind is NodeKind.LEAF:
        return _read_type(node)
    if node.kind is NodeKind.SCALARS:
        return [_read_type(node)]
    inner = {key: _structure(child) for key, child in node.children.items()}
    return [inner] if node.kind is NodeKind.OBJECTS else inner


def _read_type(node: Node) -> str:
    stored = node.storage or Storage.TEXT
    return _READ_AS.get(stored, stored.sql_type)


class _Compiler:
    """Statements of one shape."""

    def __init__(self, plan: WarehousePlan, shape: Shape) -> None:
        self._core = plan.core
        self._own = plan.models[shape.data_model]
        self._shape = shape

    def root(self) -> Json:
        """The messages: rows of two tables, and all arrays below."""
        grain = _Grain("", ())
        _collect(self._shape.root, "item", grain)
        return self._script(grain, [self._core[""], self._own[""]])

    def _array(self, outer: _Grain, node: Node, expression: str) -> Json:
        grain = _Grain(node.path, (*outer.key, f"ordinal_{len(outer.key) + 1}"))
        if node.kind is NodeKind.SCALARS:
            grain.columns[node.path] = _stored("item", node)
        else:
            _collect(node, "item", grain)
        tables = self._core if node.path.startswith(f"{META}.") else self._own
        elements = _unnest(outer, expression, grain.key[-1])
        return {"elements": elements} | self._script(grain, [tables[node.path]])

    def _script(self, grain: _Grain, tables: list[Table]) -> Json:
        lengths = ", ".join(f"max(len({expression}))" for expression, _ in grain.arrays)
        return {
            "tables": [
                {
                    "schema": table.schema,
                    "name": table.qualified_name,
                    "create": _create(table),
                    "insert": _insert(table, grain),
                }
                for table in tables
            ],
            "longest": f"select {lengths} from $source",
            "arrays": [self._array(grain, node, at) for at, node in grain.arrays],
        }


def _collect(node: Node, at: str, grain: _Grain) -> None:
    for key, child in node.children.items():
        reached = f"{at}.{quoted(key)}"
        if child.kind is NodeKind.OBJECT:
            _collect(child, reached, grain)
        elif child.kind is NodeKind.LEAF:
            grain.columns[child.path] = _stored(reached, child)
        else:
            grain.arrays.append((reached, child))


def _stored(expression: str, node: Node) -> str:
    stored = node.storage or Storage.TEXT
    if stored in (Storage.DATE, Storage.TIMESTAMP):
        return f"try_cast({expression} as {stored.sql_type})"
    return f"{expression}::VARCHAR" if stored is Storage.JSON else expression


def _create(table: Table) -> str:
    columns = {"message_id": "BIGINT"} | dict.fromkeys(table.ordinals, "INTEGER")
    if _has_leading(table):
        columns |= dict.fromkeys(_LEADING, "VARCHAR")
        columns |= {"event_at": "TIMESTAMPTZ", "is_test": "BOOLEAN"}
    columns |= {column.name: column.storage.sql_type for column in table.columns}
    listing = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
    return f"create table {table.qualified_name} ({listing})"


def _insert(table: Table, grain: _Grain) -> str:
    selected = {"message_id": "message_id"}
    selected |= dict(zip(table.ordinals, grain.key, strict=True))
    if _has_leading(table):
        selected |= _known(_LEADING, grain)
    selected |= _known({column.name: column.path for column in table.columns}, grain)
    listing = ", ".join(f"{expression} as {quoted(own)}" for own, expression in selected.items())
    return f"insert into {table.qualified_name} by name select {listing} from $source"


def _has_leading(table: Table) -> bool:
    return not table.path and table.schema != CORE_SCHEMA


def _known(paths: Mapping[str, str], grain: _Grain) -> dict[str, str]:
    return {own: grain.columns[path] for own, path in paths.items() if path in grain.columns}


def _unnest(grain: _Grain, expression: str, ordinal: str) -> str:
    keys = ", ".join(["message_id", *grain.key])
    return (
        f"select {keys}, generate_subscripts({expression}, 1) as {ordinal}, "
        f"unnest({expression}) as item from $source where len({expression}) > 0"
    )


def quoted(text: str) -> str:
    """An SQL identifier."""
    return '"' + text.replace('"', '""') + '"'
