"""What the warehouse holds now, as signatures by which the next version sees what has changed.

Nothing is remembered in the warehouse: the signature of a slice is computed from `core.message`,
whose rows change with every way in which a slice can change. A load adds messages, a purge removes
some, a reload inserts the same message_ids under its own load_id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from etl.publish.relations import MESSAGE_ID, SLICE, Relation

SLICE_BITS = 18
WHOLE = "all"
_MESSAGES = f"""
select message_id >> {SLICE_BITS}, data_model, count(*), sum(hash(message_id, load_id))
from core.message group by all
"""
_SCHEMAS = (
    "select distinct table_schema, data_model from quality.field where table_schema <> 'core'"
)
_LOADS = "select coalesce(min(load_id), 0), coalesce(max(load_id), 0), count(*) from core.load"
_CATALOG = "select value from core.warehouse where name = 'catalog_hash'"

Signatures = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LoadIds:
    """Which loads a version covers."""

    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class WarehouseState:
    """Tables with the signature of each of their parts: a slice number, or "all" for a whole table."""

    relations: Mapping[str, Relation]
    parts: Mapping[str, Signatures]
    catalog_hash: str
    load_ids: LoadIds


def read_state(
    connection: duckdb.DuckDBPyConnection, relations: Mapping[str, Relation]
) -> WarehouseState:
    """Ask a warehouse what it holds; costs a scan of two columns of core.message."""
    slices = _Slices(connection)
    first, last, count = _rows(connection, _LOADS)[0]
    return WarehouseState(
        relations=relations,
        parts={name: _parts(connection, table, slices) for name, table in relations.items()},
        catalog_hash="".join(str(row[0]) for row in _rows(connection, _CATALOG)),
        load_ids=LoadIds(int(first), int(last), int(count)),
    )


class _Slices:
    """Signatures of the slices of one data model, or of all together."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._data_models: dict[str, str] = dict(_rows(connection, _SCHEMAS))
        self._totals: dict[str | None, dict[str, tuple[int, int]]] = defaultdict(dict)
        for number, data_model, count, total in _rows(connection, _MESSAGES):
            for group in (None, data_model):
                known = self._totals[group].get(str(number), (0, 0))
                self._totals[group][str(number)] = (known[0] + count, known[1] + int(total))

    def of(self, schema: str) -> dict[str, str]:
        """A schema that belongs to no data model is filled by the messages of all."""
        totals = self._totals[self._data_models.get(schema)]
        return {number: f"{count}-{total:x}" for number, (count, total) in totals.items()}


def _parts(
    connection: duckdb.DuckDBPyConnection, table: Relation, slices: _Slices
) -> dict[str, str]:
    if table.has_column(MESSAGE_ID):
        return slices.of(table.schema)
    if table.has_column(SLICE):
        return _counted_parts(connection, table, slices.of(table.schema))
    name = table.qualified_name
    query = f"select count(*), coalesce(sum(hash({table.name})), 0) from {name} as {table.name}"
    count, total = _rows(connection, query)[0]
    return {WHOLE: f"{count}-{int(total):x}"}


def _counted_parts(
    connection: duckdb.DuckDBPyConnection, table: Relation, slices: dict[str, str]
) -> dict[str, str]:
    """Counts follow the messages of their slice, and may outlive them."""
    query = f"select {SLICE}, count(*) from {table.qualified_name} group by all"
    rows = {str(number): count for number, count in _rows(connection, query)}
    numbers = rows.keys() | slices.keys()
    return {number: f"{slices.get(number, '')}-{rows.get(number, 0)}" for number in numbers}


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()
