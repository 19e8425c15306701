"""What the ratings come to, per data model, and the report that shows it all.

Reads the published version, else the warehouse; rates are compared by the views of sql/quality.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from etl.atomic import own_folder
from etl.errors import UsageFault
from etl.pipeline.catalog_cache import site_catalog
from etl.queries.reading import open_for_reading
from etl.report.build import build_report
from etl.report.history import NEWEST, keep_report, list_reports
from etl.report.names import EVENT_TYPE_SQL, SOURCE_SQL
from etl.report.records import ReportOptions, ReportSummary
from etl.report.source_names import SourceLabel, read_source_names
from etl.settings import Settings
from models.catalog.rating_share import rating_share

REPORT_FILE = NEWEST
MOST_FIELDS = 20
HEADLINES = 10

_VERDICTS = """
select data_model, verdict, count(*), count(*) filter (where fails_check)
from quality.field_verdict where not is_test group by data_model, verdict
"""
_FAILING = f"""
select
  data_model,
  path,
  {EVENT_TYPE_SQL},
  {SOURCE_SQL},
  rating,
  messages_populated,
  messages
from quality.field_verdict where fails_check
qualify row_number() over (
  partition by data_model order by request_rate, messages desc, path, event_type, source_id
) <= {MOST_FIELDS}
order by data_model, request_rate, messages desc, path, event_type, source_id
"""
_WORST = f"""
select data_model, path, {EVENT_TYPE_SQL}, {SOURCE_SQL}, rating, messages_populated, messages
from quality.field_verdict where fails_check
order by request_rate, messages desc, data_model, path, event_type, source_id
limit {HEADLINES}
"""
_CHANGES = f"""
select data_model, path, {EVENT_TYPE_SQL}, {SOURCE_SQL}, day, past_rate, recent_rate
from quality.field_drift where not is_test
order by abs(recent_rate - past_rate) desc, day desc, data_model, path
limit {HEADLINES}
"""
_SILENCES = f"""
select {SOURCE_SQL}, data_model, last_day, silent_days, longest_gap
from quality.source_silence where not is_test
order by silent_days desc, source_id, data_model
"""


@dataclass(frozen=True, slots=True)
class FailingField:
    """A rated field that is surely filled less often than its rating says.

    A source id or event type that does not look like one is `*`: it may be a patient's.
    `source_name` is the organization or name of the source, "" where none is known.
    """

    data_model: str
    path: str
    event_type: str
    source_id: str
    rating: str
    messages_populated: int
    messages: int
    source_name: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """A source, or one data model of it (else `*`), that has fallen silent; days are UTC.

    `source_name` is the name of the source, "" where none is known.
    """

    source_id: str
    data_model: str
    last_day: date
    silent_days: int
    longest_gap: int
    source_name: str = ""

    @property
    def sentence(self) -> str:
        """Return the silence in words."""
        what = "nothing" if self.data_model == "*" else f"no {self.data_model}"
        return (
            f"{_shown(self.source_id, self.source_name)}: {what} for {self.silent_days} days, since "
            f"{self.last_day}; its longest pause before was {self.longest_gap} days"
        )


@dataclass(frozen=True, slots=True)
class Headline:
    """What a report comes to in a few lines: the worst fields, what changed, who fell silent."""

    worst: tuple[FailingField, ...]
    changes: tuple[str, ...]
    silences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelReliability:
    """The verdicts of one data model: fields per source and event type, by verdict."""

    verdicts: Mapping[str, int]
    failing: int
    worst: tuple[FailingField, ...]


def judge_reliability(settings: Settings) -> dict[str, ModelReliability]:
    """The verdicts by data model, of those that were ever seen."""
    verdicts: dict[str, dict[str, int]] = {}
    failing: dict[str, int] = {}
    worst: dict[str, list[FailingField]] = {}
    with open_for_reading(settings) as connection:
        for model, verdict, count, fails in connection.execute(_VERDICTS).fetchall():
            verdicts.setdefault(model, {})[verdict] = int(count)
            failing[model] = failing.get(model, 0) + int(fails)
        names = read_source_names(connection)
        for model, *facts, source_id, rating, populated, messages in connection.execute(
            _FAILING
        ).fetchall():
            path, event_type = facts
            name = names.get(source_id, "")
            worst.setdefault(model, []).append(
                FailingField(model, path, event_type, source_id, rating, populated, messages, name)
            )
    return {
        model: ModelReliability(counts, failing[model], tuple(worst.get(model, ())))
        for model, counts in sorted(verdicts.items())
    }


def read_headline(settings: Settings) -> Headline:
    """Return the worst fields, changes and silent senders of the published version."""
    with open_for_reading(settings) as connection:
        names = read_source_names(connection)
        worst = [
            replace(FailingField(*row), source_name=names.get(row[3], ""))
            for row in connection.execute(_WORST).fetchall()
        ]
        changes = [_change(names, *row) for row in connection.execute(_CHANGES).fetchall()]
        silences = [silence.sentence for silence in _silences(connection, names)[:HEADLINES]]
    return Headline(tuple(worst), tuple(changes), tuple(silences))


def _shown(source_id: str, name: str) -> str:
    return SourceLabel(source_id, name).text or "the source without an ID"


def _change(
    names: Mapping[str, str],
    model: str,
    path: str,
    event_type: str,
    source: str,
    day: date,
    past: float,
    recent: float,
) -> str:
    return (
        f"{model} {event_type} of {_shown(source, names.get(source, ''))}: {path} was in {past:.0%} of "
        f"messages, since {day} in {recent:.0%}"
    )


def read_silences(settings: Settings) -> list[Silence]:
    """Return who has fallen silent, by the newest state that can be read; nothing before a load."""
    try:
        with open_for_reading(settings) as connection:
            return _silences(connection, read_source_names(connection))
    except UsageFault:
        return []


def _silences(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> list[Silence]:
    rows = connection.execute(_SILENCES).fetchall()
    return [replace(Silence(*row), source_name=names.get(row[0], "")) for row in rows]


def write_report(
    settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> tuple[Path, ReportSummary]:
    """Write the report of everything to HOME/reports; gives where it is and what it says.

    Earlier reports are kept beside it (etl.report.history) and listed in it.
    """
    folder, at = settings.reports_path, clock()
    own_folder(folder)
    catalog = site_catalog(settings)
    options = ReportOptions(
        generated_at=at,
        source_titles={code: source.title for code, source in catalog.sources.items()},
        ratings=str(rating_share(catalog)),
        earlier=list_reports(folder),
    )
    with open_for_reading(settings) as connection:
        summary = build_report(connection, folder / REPORT_FILE, options=options)
    keep_report(folder, summary, at)
    return folder / REPORT_FILE, summary
