"""What the warehouse holds now, as signatures by which the next version sees what has changed.

A slice's signature is made of its messages in `core.message`, by which every addition and removal is
seen, and of the last change that `core.slice_change` notes, because a reload keeps message ids and
the load that first stored them. Numbers alone do not tell a warehouse that was built again, or put
back from a backup, from the one before: what bytes a message is of, and when a load ended, do.
Tables of a data model depend on its own messages alone: a load of one data model leaves the files
of the others as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from etl.publish.relations import MESSAGE_ID, SLICE, Relation
from models.tables.plan import SLICE_BITS

WHOLE = "all"
_MESSAGES = f"""
select message_id >> {SLICE_BITS}, data_model, count(*), sum(hash(message_id, load_id, object_id, item))
from core.message group by all
"""
_CHANGES = """
select
    slice,
    coalesce(arg_max(change, load_id), ''),
    coalesce(arg_max(change, load_id) filter (kind is null or kind not in ('load', 'replay')), '')
from (
    select slice, load_id, kind, concat_ws('@', load_id, epoch_us(finished_at)) as change
    from core.slice_change left join core.load using (load_id)
)
group by slice
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
    slices = _Slices(connection, notes_changes="core.slice_change" in relations)
    first, last, count = _rows(connection, _LOADS)[0]
    return WarehouseState(
        relations=relations,
        parts={name: _parts(connection, table, slices) for name, table in relations.items()},
        catalog_hash="".join(str(row[0]) for row in _rows(connection, _CATALOG)),
        load_ids=LoadIds(int(first), int(last), int(count)),
    )


class _Slices:
    """Signatures of the slices of one data model, or of all together.

    What only adds messages is seen by them; a reload or purge counts for every data model.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, notes_changes: bool) -> None:
        self._data_models: dict[str, str] = dict(_rows(connection, _SCHEMAS))
        self._totals: dict[str | None, dict[int, tuple[int, int]]] = defaultdict(dict)
        for number, data_model, count, total in _rows(connection, _MESSAGES):
            for group in (None, data_model):
                known = self._totals[group].get(number, (0, 0))
                self._totals[group][number] = (known[0] + count, known[1] + int(total))
        self._changes: dict[int, tuple[str, str]] = {
            number: (last, last_rewrite)
            for number, last, last_rewrite in (_rows(connection, _CHANGES) if notes_changes else ())
        }

    def of(self, schema: str) -> dict[str, str]:
        """A schema that belongs to no data model is filled by the messages of all."""
        data_model = self._data_models.get(schema)
        return {
            str(number): f"{count}-{total:x}-{self._change(number, data_model)}"
            for number, (count, total) in self._totals[data_model].items()
        }

    def _change(self, number: int, data_model: str | None) -> str:
        last, last_rewrite = self._changes.get(number, ("", ""))
        return last_rewrite if data_model else last


def is_count(table: Relation) -> bool:
    """True if a table holds counts of slices; others that name slices are not cut by them."""
    return table.schema == "quality" and table.has_column(SLICE)


def _parts(
    connection: duckdb.DuckDBPyConnection, table: Relation, slices: _Slices
) -> dict[str, str]:
    if table.has_column(MESSAGE_ID):
        return slices.of(table.schema)
    if is_count(table):
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
