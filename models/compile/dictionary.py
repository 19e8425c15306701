"""The data dictionary: the catalog as tables of the warehouse, so that SQL can join on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from models.catalog.meta_fields import is_meta
from models.catalog.records import Catalog, Field, JsonType, ValueSetKind
from models.tables.naming import SCALAR_COLUMN, enclosing_array
from models.tables.plan import Table, WarehousePlan

Row = dict[str, Any]


def dictionary_tables(catalog: Catalog, plan: WarehousePlan) -> dict[str, pa.Table]:
    """The rows of every quality table that repeats the catalog, by qualified name."""
    rows = {
        "quality.field": list(_fields(catalog, plan)),
        "quality.field_event": list(_field_events(catalog)),
        "quality.expectation": list(_expectations(catalog)),
        "quality.rule": list(_rules(catalog)),
        "quality.value_set": list(_value_sets(catalog)),
        "quality.reliability_setting": [
            {"name": name, "value": value} for name, value in catalog.reliability_settings.items()
        ],
    }
    return {name: pa.Table.from_pylist(own) for name, own in rows.items()}


def _fields(catalog: Catalog, plan: WarehousePlan) -> Iterator[Row]:
    for model, fields in catalog.fields.items():
        objects = {f.path for f in fields if f.json_type is JsonType.OBJECT}
        for field in fields:
            table, column = _place(field, plan.core if is_meta(field.path) else plan.models[model])
            yield {
                "data_model": model,
                "path": field.path,
                "json_type": field.json_type.value,
                "kind": _kind(field),
                "meaning": field.meaning,
                "temporal": field.temporal.value if field.temporal else "",
                "value_set": field.value_set,
                "value_set_confidence": field.value_set_confidence,
                "sensitivity": field.sensitivity,
                "enclosing_array": enclosing_array(field.path),
                "parent_object": field.parent if field.parent in objects else "",
                "table_schema": table.schema,
                "table_name": table.name,
                "column_name": column,
            }


def _kind(field: Field) -> str:
    if field.json_type is JsonType.OBJECT:
        return "object"
    return "array" if field.json_type is JsonType.ARRAY else "leaf"


def _place(field: Field, tables: Any) -> tuple[Table, str]:
    if field.json_type is JsonType.ARRAY:
        table = tables[field.path]
        return table, SCALAR_COLUMN if field.item_type is not JsonType.OBJECT else ""
    table = tables[enclosing_array(field.path)]
    names = [c.name for c in table.columns if c.field.path == field.path]
    return table, names[0] if names and field.json_type is not JsonType.OBJECT else ""


def _field_events(catalog: Catalog) -> Iterator[Row]:
    for model, fields in catalog.fields.items():
        listed = {(event, field.path) for field in fields for event in field.event_types}
        for event, path in sorted(listed):
            yield {"data_model": model, "event_type": event, "path": path}


def _expectations(catalog: Catalog) -> Iterator[Row]:
    for expectation in catalog.expectations:
        yield {
            "data_model": expectation.data_model,
            "event_type": expectation.event_type,
            "path": expectation.path,
            "source_id": expectation.source_id,
            "required": expectation.required,
            "rating": expectation.rating.value if expectation.rating else None,
            "is_inferred": expectation.is_inferred,
            "source": expectation.source,
            "is_site": expectation.is_site,
        }


def _rules(catalog: Catalog) -> Iterator[Row]:
    for rule in catalog.rules.values():
        yield {
            "rule": rule.code,
            "severity": rule.severity.value,
            "area": rule.area,
            "meaning": rule.meaning,
            "action": rule.action,
        }


def _value_sets(catalog: Catalog) -> Iterator[Row]:
    for value_set in catalog.value_sets.values():
        if value_set.kind is ValueSetKind.EXTERNAL:
            continue
        for value in value_set.values:
            yield _value(value_set.name, value, value, value_set.kind.value, "")
    for synonym in catalog.synonyms:
        yield _value(
            synonym.value_set,
            synonym.received,
            synonym.supported,
            catalog.value_sets[synonym.value_set].kind.value,
            synonym.reason,
        )


def _value(value_set: str, received: str, supported: str, kind: str, reason: str) -> Row:
    return {
        "value_set": value_set,
        "received": received,
        "supported": supported,
        "is_supported": received == supported,
        "kind": kind,
        "reason": reason,
    }
