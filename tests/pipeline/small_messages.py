"""Tiny PatientAdmin messages, and a home that takes some of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from etl.cli.opening import open_loader
from etl.pipeline.load import load_paths
from etl.pipeline.records import LoadSummary
from etl.pipeline.reload import Selection, reload_slices
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse

DAY = "2026-03-02T10:20:30.000Z"
SOURCE = "source-a"
Message = dict[str, Any]
Facts = dict[str, list[str]]


def make_message(
    log_id: str,
    *,
    event: str = "Arrival",
    model: str = "PatientAdmin",
    source: str = SOURCE,
    at: str = DAY,
    meta: Message | None = None,
    **parts: Any,
) -> Message:
    """A message that fits its tables, with `parts` beside Meta."""
    own = {
        "DataModel": model,
        "EventType": event,
        "EventDateTime": at,
        "Source": {"ID": source},
        "Logs": [{"ID": log_id}],
    }
    return {"Meta": own | (meta or {}), **parts}


def make_patient(log_id: str, demographics: Message, **options: Any) -> Message:
    """A message about a patient with these demographics."""
    return make_message(log_id, Patient={"Demographics": demographics}, **options)


def load(settings: Settings, name: str, messages: Sequence[Message]) -> LoadSummary:
    """Load messages as one NDJSON file of this name."""
    path = settings.home.parent / f"{name}.ndjson"
    path.write_text("".join(json.dumps(message) + "\n" for message in messages), "utf-8")
    return load_paths(settings, [str(path)])


@contextmanager
def opened(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        yield connection


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the warehouse."""
    with opened(settings) as connection:
        return connection.execute(query).fetchall()


# counted per load in their tables, so only their sums are the same
MEASURES = ("messages", "elements", "findings")
OF_ONE_LOAD = ("load_id", "first_message_id", "first_ordinals", "first_day", "last_day")
RUN_TABLES = ("core.load", "core.slice_change", "core.warehouse")


def contents(settings: Settings) -> dict[str, list[str]]:
    """Every table's rows as sorted text, additive counts added up: what a reload leaves as it is."""
    with opened(settings) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where not internal"
        ).fetchall()
        return {name: _rows(connection, name) for (name,) in tables if name not in RUN_TABLES}


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    columns = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
    measures = [name for name in columns if name in MEASURES and table.startswith("quality.")]
    keys = [name for name in columns if name not in (*measures, *OF_ONE_LOAD)]
    sums = [f"sum({name})" for name in measures]
    group = "group by all" if sums else ""
    query = f"select {', '.join([*keys, *sums])} from {table} {group}"
    return sorted(map(repr, connection.execute(query).fetchall()))


def facts(
    settings: Settings, *, without: Collection[str], leave_out: Collection[str] = ()
) -> Facts:
    """Rows of every filled table as sorted text, without some columns; counts are added up."""
    found = {}
    with opened(settings) as connection:
        columns: dict[str, list[str]] = {}
        for name, column in connection.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() "
            "where not internal and database_name = current_database() order by column_index"
        ).fetchall():
            columns.setdefault(name, []).append(column)
        for name, every in columns.items():
            own = [column for column in every if column not in without]
            if own and name not in leave_out and (rows := _facts_of(connection, name, own)):
                found[name] = rows
    return found


def _facts_of(connection: duckdb.DuckDBPyConnection, name: str, columns: list[str]) -> list[str]:
    is_count = name.startswith("quality.")
    told = [f"sum({c}) as {c}" if is_count and c in MEASURES else c for c in columns]
    grouped = "group by all" if told != columns else ""
    query = f"select {', '.join(told)} from {name} {grouped}"
    return sorted(map(repr, connection.execute(query).fetchall()))


def reload_all(settings: Settings, **selection: Any) -> int:
    """Reload what is selected; gives the slices."""
    with open_loader(settings) as loader:
        return reload_slices(loader, Selection(**selection)).slices
