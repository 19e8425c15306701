"""Builds count tables with planted truths. What the views say of them is asserted in the tests.

Lives outside the test files so that the browser tests can show the same world.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from duckdb_engine import Dialect
from numpy.typing import NDArray

from etl.report.views import create_views
from models.tables.fixed import FIXED

SETTINGS = Path(__file__).parents[2] / "models/catalog/data/reliability_settings.csv"


@dataclass(frozen=True)
class Feed:
    """One source's messages of one event type: how many a day, and which share fills each path.

    `messages` and the rates may be one number or one per day. `elements` is how many occurrences
    a message that fills the path holds.
    """

    source_id: str
    event_type: str
    messages: int | Sequence[int]
    rates: Mapping[str, float | Sequence[float]]
    data_model: str = "PatientAdmin"
    facility_code: str = ""
    is_test: bool = False
    elements: Mapping[str, int] = field(default_factory=dict)


def connect_world() -> duckdb.DuckDBPyConnection:
    """An empty warehouse in memory: count tables, packaged settings, views."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("set threads = 2")
    _create_tables(connection)
    connection.execute(
        "insert into quality.reliability_setting select name, value from read_csv($1)",
        [str(SETTINGS)],
    )
    create_views(connection)
    return connection


def _create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema quality; create schema core")
    connection.execute(_tables_sql())
    connection.execute(
        "create table core.message (message_id bigint, object_id text, data_model text, read_as text, "
        "event_type text, source_id text, source_name text, event_at timestamptz, "
        "received_at timestamptz)"
    )


@cache
def _tables_sql() -> str:
    dialect = Dialect()
    return ";".join(
        f"create table {table} ("
        + ", ".join(
            f"{column.name} {column.type.compile(dialect=dialect)}" for column in table.columns
        )
        + ")"
        for table in FIXED.sorted_tables
    )


def list_fields(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[str],
    *,
    events: Sequence[str],
    data_model: str = "PatientAdmin",
) -> None:
    """List paths for event types; kind and parents are read off the notation."""
    for path in paths:
        array, _, last = path.rpartition("[].")
        parent = path.rpartition(".")[0]
        parent = "" if parent.endswith("[]") else parent
        is_object = any(other.startswith(path + ".") for other in paths)
        kind = "array" if path.endswith("[]") else "object" if is_object else "leaf"
        connection.execute(
            "insert into quality.field (data_model, path, kind, enclosing_array, parent_object,"
            " column_name, json_type, temporal, value_set, sensitivity, table_schema, table_name)"
            " values ($1, $2, $3, $4, $5, $6, 'string', '', '', '', 'patient_admin', 'message')",
            [data_model, path, kind, f"{array}[]" if array else "", parent, last.lower()],
        )
    for event in events:
        for path in paths:
            connection.execute(
                "insert into quality.field_event values ($1, $2, $3)", [data_model, event, path]
            )


def expect(
    connection: duckdb.DuckDBPyConnection,
    path: str,
    rating: str | None,
    *,
    data_model: str = "*",
    event_type: str = "*",
    source_id: str = "",
    inferred: bool = False,
    site: bool = False,
    required: bool = False,
    source: str = "page",
) -> None:
    """State one expectation."""
    connection.execute(
        "insert into quality.expectation (data_model, event_type, path, required, rating,"
        " is_inferred, source, source_id, is_site) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [data_model, event_type, path, required, rating, inferred, source, source_id, site],
    )


def send(
    connection: duckdb.DuckDBPyConnection,
    feeds: Sequence[Feed],
    *,
    days: int = 1,
    first_day: date = date(2026, 3, 1),
    seed: int | None = None,
    dispersion: float = 0.0,
) -> None:
    """Write the counts of feeds. Without a seed every day fills exactly its share (rounded).

    `dispersion` > 0 draws each day's rate anew around the feed's (beta, this the variance's share),
    as real feeds do.
    """
    rng = np.random.default_rng(seed) if seed is not None else None
    message_rows: list[tuple[object, ...]] = []
    path_rows: list[tuple[object, ...]] = []
    for feed in feeds:
        per_day = np.broadcast_to(np.asarray(feed.messages), (days,))
        for number in range(days):
            if per_day[number]:
                key = _key(feed, first_day + timedelta(days=number), number)
                message_rows.append((*key, int(per_day[number])))
        for path, rate in feed.rates.items():
            filled = _draw(
                per_day, np.broadcast_to(np.asarray(rate, float), (days,)), rng, dispersion
            )
            for number in map(int, np.flatnonzero(filled)):
                key = _key(feed, first_day + timedelta(days=number), number)
                count = int(filled[number])
                path_rows.append((*key, path, count, count * feed.elements.get(path, 1)))
    _insert(connection, "message_count", message_rows)
    _insert(connection, "path_count", path_rows)


def _key(feed: Feed, day: date, number: int) -> tuple[object, ...]:
    return (
        number // 10,
        day,
        feed.source_id,
        feed.facility_code,
        feed.data_model,
        feed.event_type,
        feed.is_test,
    )


def _draw(
    messages: NDArray[np.int64],
    rate: NDArray[np.float64],
    rng: np.random.Generator | None,
    dispersion: float,
) -> NDArray[np.int64]:
    if rng is None:
        return np.rint(messages * rate).astype(np.int64)
    if dispersion > 0:
        inner = np.clip(rate, 1e-6, 1 - 1e-6)
        scale = 1 / dispersion - 1
        drawn = rng.beta(inner * scale, (1 - inner) * scale)
        rate = np.where((rate > 0) & (rate < 1), drawn, rate)
    drawn_counts: NDArray[np.int64] = rng.binomial(messages, rate)
    return drawn_counts


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]
) -> None:
    if not rows:
        return
    names = [row[0] for row in connection.execute(f"describe quality.{table}").fetchall()]
    columns = pa.table(
        {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    )
    connection.register("incoming", columns)
    connection.execute(f"insert into quality.{table} select {', '.join(names)} from incoming")
    connection.unregister("incoming")
