"""The relational plan: which table and column holds which path of which data model.

One rule, no exceptions: one schema per data model; its root table `message` has one row per
message; objects become columns of their parent, arrays become child tables keyed by message_id and
the ordinals of their arrays. Meta goes to schema `core`, one table per array of it, all models
together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from models.catalog.csv_table import CatalogFaults, Fault
from models.catalog.meta_fields import META, is_meta
from models.catalog.records import Catalog, Field, JsonType, NumberKind, Temporal
from models.tables.naming import (
    MAX_IDENTIFIER,
    ROOT_TABLE,
    SCALAR_COLUMN,
    enclosing_array,
    enclosing_arrays,
    last_key,
    ordinal_name,
    snake_case,
)

CORE_SCHEMA = "core"
SLICE_BITS = 18
"""Messages whose ids share the bits above these are a slice: what is reloaded, counted and published
as one. Said here only: published files and counts are named by slice."""


class Storage(StrEnum):
    """The DuckDB type of a column; JSON is text that holds one JSON value."""

    TEXT = "VARCHAR"
    JSON = "JSON text"
    INTEGER = "BIGINT"
    MONEY = "DECIMAL(18,4)"
    DOUBLE = "DOUBLE"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMPTZ"

    @property
    def sql_type(self) -> str:
        return "VARCHAR" if self is Storage.JSON else self.value


ROOT_COLUMNS: tuple[tuple[str, Storage, str], ...] = (
    ("event_type", Storage.TEXT, "Meta.EventType, of a reply under its query's the reply's own"),
    ("event_at", Storage.TIMESTAMP, "Meta.EventDateTime, UTC"),
    ("received_at", Storage.TIMESTAMP, "When the message was received, UTC, where known"),
    ("source_id", Storage.TEXT, "Meta.Source.ID"),
    ("facility_code", Storage.TEXT, "Meta.FacilityCode"),
    ("is_test", Storage.BOOLEAN, "Meta.Test"),
)
"""What every message of a data model says in its root table beside the columns of its own paths: name,
type, meaning."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column that holds one path. `field` is the catalog's line for it."""

    name: str
    storage: Storage
    path: str
    field: Field


@dataclass(frozen=True, slots=True)
class Table:
    """One table: grain is one row per message (path "") or per element of the array `path`.

    `ordinals` are the key columns after message_id, outermost array first.
    """

    schema: str
    name: str
    path: str
    ordinals: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def qualified_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def key(self) -> tuple[str, ...]:
        return ("message_id", *self.ordinals)


@dataclass(frozen=True, slots=True)
class WarehousePlan:
    """All tables that hold paths: `models` by literal data model, `core` for Meta, by array path."""

    models: Mapping[str, Mapping[str, Table]]
    core: Mapping[str, Table]

    def tables(self) -> Iterator[Table]:
        yield from self.core.values()
        for tables in self.models.values():
            yield from tables.values()


class PlanFaults(CatalogFaults):
    """Names of the plan collide or are too long; every fault names the file and line of a field."""


def plan_tables(catalog: Catalog) -> WarehousePlan:
    """Derive every table from the catalog; raises PlanFaults that lists all name faults."""
    models = {}
    for name, model in catalog.data_models.items():
        own = [field for field in catalog.fields[name] if not is_meta(field.path)]
        models[name] = _plan_schema(model.schema, own, prefix="")
    core = _plan_schema(CORE_SCHEMA, _union_of_meta(catalog), prefix=META)
    plan = WarehousePlan(models, core)
    faults = [fault for table in plan.tables() for fault in _column_faults(table)]
    faults += _table_faults(catalog, plan)
    if faults:
        raise PlanFaults(faults)
    return plan


def _union_of_meta(catalog: Catalog) -> list[Field]:
    union: dict[tuple[str, JsonType], Field] = {}
    for fields in catalog.fields.values():
        for field in (field for field in fields if is_meta(field.path)):
            union.setdefault((field.path, field.json_type), field)
    return sorted(union.values(), key=lambda field: field.path)


def _plan_schema(schema: str, fields: list[Field], *, prefix: str) -> dict[str, Table]:
    names = _SqlNames(fields, prefix)
    tables = {"": Table(schema, ROOT_TABLE, "", (), ())}
    for field in fields:
        if field.json_type is JsonType.ARRAY:
            tables[field.path] = _array_table(schema, field, names)
    columns: dict[str, list[Column]] = {path: [] for path in tables}
    for field in fields:
        if field.json_type is JsonType.ARRAY:
            if field.item_type is not JsonType.OBJECT:
                columns[field.path].append(Column(SCALAR_COLUMN, storage(field), field.path, field))
        elif field.json_type is not JsonType.OBJECT:
            column = Column(names.column(field), storage(field), field.path, field)
            columns[enclosing_array(field.path)].append(column)
    return {path: replace(table, columns=tuple(columns[path])) for path, table in tables.items()}


def _array_table(schema: str, field: Field, names: _SqlNames) -> Table:
    ordinals = tuple(ordinal_name(path) for path in enclosing_arrays(field.path))
    return Table(schema, names.table(field.path), field.path, _distinct(ordinals), ())


def _distinct(ordinals: tuple[str, ...]) -> tuple[str, ...]:
    """Arrays nested in arrays of the same name get their level as a suffix."""
    seen: Counter[str] = Counter()
    named = []
    for name in ordinals:
        seen[name] += 1
        named.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(named)


def storage(field: Field) -> Storage:
    """The column type of a leaf or of the items of a scalar array."""
    if field.json_type is JsonType.ANY:
        return Storage.JSON
    if field.json_type is JsonType.BOOLEAN:
        return Storage.BOOLEAN
    if field.json_type is JsonType.NUMBER:
        return _NUMBER_STORAGE[field.number_kind or NumberKind.DOUBLE]
    return _TEMPORAL_STORAGE[field.temporal]


_NUMBER_STORAGE = {
    NumberKind.INTEGER: Storage.INTEGER,
    NumberKind.MONEY: Storage.MONEY,
    NumberKind.DOUBLE: Storage.DOUBLE,
}
_TEMPORAL_STORAGE = {
    None: Storage.TEXT,
    Temporal.DATE: Storage.DATE,
    Temporal.DATETIME: Storage.TIMESTAMP,
}


class _SqlNames:
    """Names within one schema; `prefix` is the path whose segments are left out (Meta in core)."""

    def __init__(self, fields: list[Field], prefix: str) -> None:
        self._given = {field.path: field.sql_name for field in fields if field.sql_name}
        self._prefix = prefix

    def table(self, path: str) -> str:
        if given := self._given.get(path):
            return given
        parent = path.rpartition(".")[0]
        stem = self._stem(parent)
        name = snake_case(last_key(path))
        return f"{stem}_{name}" if stem else name

    def _stem(self, path: str) -> str:
        if path == self._prefix:
            return ROOT_TABLE if self._prefix else ""
        return self.table(path)

    def column(self, field: Field) -> str:
        return field.sql_name or "_".join(self._column_words(field.path))

    def _column_words(self, path: str) -> list[str]:
        if not path or path == self._prefix or path.endswith("[]"):
            return []
        return [*self._column_words(path.rpartition(".")[0]), snake_case(last_key(path))]


def _column_faults(table: Table) -> Iterator[Fault]:
    taken = {*table.key}
    if not table.path and table.schema != CORE_SCHEMA:
        taken |= {name for name, _, _ in ROOT_COLUMNS}
    owners: dict[str, Field] = {}
    for column in table.columns:
        name, field = column.name, column.field
        if name in taken:
            yield _fault(field, f"column {name} is one of {table.qualified_name}'s own")
        elif name in owners:
            yield _collision(f"column {name} of {table.qualified_name}", owners[name], field)
        owners.setdefault(name, field)
        if len(name) > MAX_IDENTIFIER:
            yield _fault(field, f"column {name} exceeds {MAX_IDENTIFIER} characters")


def _table_faults(catalog: Catalog, plan: WarehousePlan) -> Iterator[Fault]:
    owners: dict[str, Field] = {}
    for model, fields in catalog.fields.items():
        for field in (field for field in fields if field.json_type is JsonType.ARRAY):
            table = (plan.core if is_meta(field.path) else plan.models[model])[field.path]
            name = table.qualified_name
            if table.schema == CORE_SCHEMA and name in owners:
                continue  # Meta is the same in all data models
            if name == f"{table.schema}.{ROOT_TABLE}":
                yield _fault(field, f"table {name} holds the messages")
            elif name in owners and owners[name].path != field.path:
                yield _collision(f"table {name}", owners[name], field)
            owners.setdefault(name, field)
            if len(table.name) > MAX_IDENTIFIER:
                yield _fault(field, f"table {table.name} exceeds {MAX_IDENTIFIER} characters")


def _collision(what: str, one: Field, other: Field) -> Fault:
    """The fault of two fields of one name, at the line of the site's where one of them is its own."""
    kept, late = (other, one) if one.is_site else (one, other)
    return _fault(late, f"{what} holds {kept.path} already")


def _fault(field: Field, message: str) -> Fault:
    return Fault(field.file, field.line, f"{message}; give {field.path} a sql_name of its own")


def derive_name(field: Field, fields: list[Field], *, prefix: str = "") -> str:
    """The SQL name of one of the fields of a schema: of an array its table's, else its column's.

    `prefix` is Meta for the fields of schema core.
    """
    names = _SqlNames(fields, prefix)
    return names.table(field.path) if field.json_type is JsonType.ARRAY else names.column(field)
