"""Reads the numbers that doors show and checks evaluate: of the warehouse, of some of its loads.

Counts, rules and names of the catalog only, never a value of a payload. Which shares are too high
is decided in `verdicts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from etl.pipeline.quarantine import READ_WAIT_S
from etl.queries.feeds import Lately, read_lately
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse, read_lock


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """Numbers of one data model: of the whole warehouse and of the loads asked for, by severity.

    `messages_touched` counts messages in slices that the loads asked for changed.
    """

    messages: int = 0
    messages_touched: int = 0
    findings: dict[str, int] = field(default_factory=dict)
    findings_of_loads: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LedgerFigures:
    """The ledger's totals; `unbalanced_loads` break received + replayed = sum of the fates."""

    loads: int = 0
    received: int = 0
    loaded: int = 0
    duplicate: int = 0
    not_loaded: int = 0
    open_quarantine: int = 0
    unbalanced_loads: int = 0
    stored_messages: int = 0
    objects: int = 0
    bytes: int = 0
    purged: int = 0


@dataclass(frozen=True, slots=True)
class PopulationFigures:
    """The size of the population counts."""

    count_rows: int = 0
    paths: int = 0
    days: int = 0
    sources: int = 0
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything at once, as of one moment; `models` by data model."""

    ledger: LedgerFigures = LedgerFigures()
    models: dict[str, ModelFigures] = field(default_factory=dict)
    population: PopulationFigures = PopulationFigures()
    lately: Lately = field(default_factory=Lately)


_LEDGER = """
select
  count(*),
  coalesce(sum(received), 0),
  coalesce(sum(loaded), 0),
  coalesce(sum(duplicate), 0),
  (select count(*) from core.quarantine where state not in ('replayed', 'purged')),
  (select count(*) from core.quarantine where state = 'open'),
  count(*) filter (
    where received + replayed <> loaded + duplicate + quarantined + coalesce(purged, 0)
  ),
  (select count(*) from core.message),
  (select count(*) from core.landed_object),
  coalesce(sum(bytes), 0),
  coalesce(sum(purged), 0)
from core.load
"""
_HAS_LEDGER = """
select 1 from duckdb_tables() where schema_name = 'core' and table_name = 'load'
"""
_MESSAGES = "select data_model, sum(messages) from quality.message_count group by all"
_TOUCHED = """
select data_model, sum(messages) from quality.message_count
where slice in (
  select slice from core.slice_change where load_id in (select unnest(?::bigint[]))
)
group by all
"""
_LOADS_SINCE = "select load_id from core.load where load_id > ? order by load_id"
_LAST_LOAD = "select coalesce(max(load_id), 0) from core.load"
_FINDINGS = """
select data_model, severity, sum(findings), coalesce(sum(findings) filter (where load_id in
(select unnest(?::bigint[]))), 0) from quality.finding_count group by all
"""
_POPULATION = """
select
  (select count(*) from quality.path_count),
  (select count(*) from (select distinct data_model, path from quality.path_count)),
  count(distinct day),
  count(distinct source_id),
  coalesce(sum(messages), 0)
from quality.message_count
"""


def read_figures(
    settings: Settings, load_ids: Sequence[int] = (), *, now: datetime | None = None
) -> Figures:
    """Return the numbers of the warehouse now, with those of these loads apart.

    Zeros before the first load; `now` is aware and defaults to the clock.
    """
    path = settings.warehouse_path
    if not path.exists():
        return Figures()
    with read_lock(path, wait_s=READ_WAIT_S), open_warehouse(path, read_only=True) as connection:
        loads = list(load_ids)
        return Figures(
            ledger=LedgerFigures(*map(int, _rows(connection, _LEDGER)[0])),
            models=_models(connection, loads),
            population=PopulationFigures(*map(int, _rows(connection, _POPULATION)[0])),
            lately=read_lately(connection, settings, now or datetime.now(UTC), loads),
        )


def last_load(settings: Settings) -> int:
    """Return the number of the newest load, reloads included; 0 before the first."""
    loads = _loads(settings, _LAST_LOAD, [])
    return loads[0] if loads else 0


def loads_since(settings: Settings, load_id: int) -> tuple[int, ...]:
    """Return the numbers of the loads after this one."""
    return _loads(settings, _LOADS_SINCE, [load_id])


def _loads(settings: Settings, query: str, parameters: list[Any]) -> tuple[int, ...]:
    path = settings.warehouse_path
    if not path.exists():
        return ()
    with read_lock(path, wait_s=READ_WAIT_S), open_warehouse(path, read_only=True) as connection:
        if not _rows(connection, _HAS_LEDGER):
            return ()
        return tuple(int(row[0]) for row in _rows(connection, query, parameters))


def _models(connection: duckdb.DuckDBPyConnection, loads: list[int]) -> dict[str, ModelFigures]:
    findings: dict[str, dict[str, int]] = defaultdict(dict)
    of_loads: dict[str, dict[str, int]] = defaultdict(dict)
    touched = dict(_rows(connection, _TOUCHED, [loads]))
    for model, severity, count, count_of_loads in _rows(connection, _FINDINGS, [loads]):
        findings[model][severity] = int(count)
        of_loads[model][severity] = int(count_of_loads)
    return {
        model: ModelFigures(
            int(count), int(touched.get(model, 0)), findings[model], of_loads[model]
        )
        for model, count in _rows(connection, _MESSAGES)
    }


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list[Any] | None = None
) -> list[tuple[Any, ...]]:
    return connection.execute(query, parameters or []).fetchall()
