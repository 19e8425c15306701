"""What the ratings come to, per data model, and the report that shows it all.

Reads the published version, else the warehouse; judging is done by the views of sql/quality.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from etl.answers.reading import open_for_reading
from etl.report.build import build_report
from etl.report.names import EVENT_TYPE_SQL, SOURCE_SQL
from etl.report.records import ReportOptions, ReportSummary
from etl.settings import Settings

REPORT_FILE = "reliability.html"
MOST_FIELDS = 20

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


@dataclass(frozen=True, slots=True)
class FailingField:
    """A rated field that is surely filled less often than its rating says.

    A source id or event type that does not look like one is `*`: it may be a patient's.
    """

    path: str
    event_type: str
    source_id: str
    rating: str
    messages_populated: int
    messages: int


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
        for model, *row in connection.execute(_FAILING).fetchall():
            worst.setdefault(model, []).append(FailingField(*row))
    return {
        model: ModelReliability(counts, failing[model], tuple(worst.get(model, ())))
        for model, counts in sorted(verdicts.items())
    }


def write_report(
    settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> tuple[Path, ReportSummary]:
    """Write the report of everything to HOME/reports; gives where it is and what it says."""
    settings.reports_path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.reports_path / REPORT_FILE
    with open_for_reading(settings) as connection:
        summary = build_report(connection, path, options=ReportOptions(generated_at=clock()))
    return path, summary
