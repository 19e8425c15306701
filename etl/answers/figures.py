"""Reads the numbers that doors show and checks judge: of the warehouse, of some of its loads.

Counts, rules and names of the catalog only, never a value of a payload. What the numbers are worth
is judged in `verdicts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from etl.pipeline.quarantine import READ_WAIT_S
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse, read_lock

WORST_RULES = 15


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """Numbers of one data model: of the whole warehouse and of the loads asked for.

    `messages_with` counts messages with a warning or error, by severity; `findings` by severity.
    """

    messages: int = 0
    messages_with: dict[str, int] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)
    findings_of_loads: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule was met in the loads asked for."""

    rule: str
    severity: str
    data_model: str
    findings: int


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
    worst_rules: tuple[RuleCount, ...] = ()
    population: PopulationFigures = PopulationFigures()


_LEDGER = """
select
  count(*),
  coalesce(sum(received), 0),
  coalesce(sum(loaded), 0),
  coalesce(sum(duplicate), 0),
  (select count(*) from core.quarantine where state <> 'replayed'),
  (select count(*) from core.quarantine where state = 'open'),
  count(*) filter (where received + replayed <> loaded + duplicate + quarantined),
  (select count(*) from core.message),
  (select count(*) from core.landed_object),
  coalesce(sum(bytes), 0)
from core.load
"""
_MESSAGES = "select data_model, sum(messages) from quality.message_count group by all"
_MESSAGES_WITH = """
select data_model, severity, count(distinct message_id) from quality.finding group by all
"""
_FINDINGS = """
select data_model, severity, sum(findings), coalesce(sum(findings) filter (where load_id in
(select unnest(?::bigint[]))), 0) from quality.finding_count group by all
"""
_WORST = f"""
select rule, severity, data_model, sum(findings) from quality.finding_count
where load_id in (select unnest(?::bigint[])) group by rule, severity, data_model
order by array_position(['error', 'warning', 'info'], severity), 4 desc, rule, data_model
limit {WORST_RULES}
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


def read_figures(settings: Settings, load_ids: Sequence[int] = ()) -> Figures:
    """The numbers of the warehouse now, with those of these loads apart; zeros before the first."""
    path = settings.warehouse_path
    if not path.exists():
        return Figures()
    with read_lock(path, wait_s=READ_WAIT_S), open_warehouse(path, read_only=True) as connection:
        loads = list(load_ids)
        return Figures(
            ledger=LedgerFigures(*map(int, _rows(connection, _LEDGER)[0])),
            models=_models(connection, loads),
            worst_rules=tuple(
                RuleCount(rule, severity, model, int(count))
                for rule, severity, model, count in _rows(connection, _WORST, [loads])
            ),
            population=PopulationFigures(*map(int, _rows(connection, _POPULATION)[0])),
        )


def _models(connection: duckdb.DuckDBPyConnection, loads: list[int]) -> dict[str, ModelFigures]:
    messages_with: dict[str, dict[str, int]] = defaultdict(dict)
    findings: dict[str, dict[str, int]] = defaultdict(dict)
    of_loads: dict[str, dict[str, int]] = defaultdict(dict)
    for model, severity, count in _rows(connection, _MESSAGES_WITH):
        messages_with[model][severity] = int(count)
    for model, severity, count, count_of_loads in _rows(connection, _FINDINGS, [loads]):
        findings[model][severity] = int(count)
        of_loads[model][severity] = int(count_of_loads)
    return {
        model: ModelFigures(int(count), messages_with[model], findings[model], of_loads[model])
        for model, count in _rows(connection, _MESSAGES)
    }


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list[Any] | None = None
) -> list[tuple[Any, ...]]:
    return connection.execute(query, parameters or []).fetchall()
