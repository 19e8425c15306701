"""Findings in a report: how many of which rule in which field, and how they go day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from etl.report.small_cells import is_small
from etl.report.views import view_select

MOST_LINES = 200
_CONDITION = """
  (data_model = $data_model or $data_model = '')
  and ($source_id in ('', source_id) or list_contains($source_ids::varchar[], source_id))
  and (event_type = $event_type or $event_type = '')
  and (not is_test or $shows_test)
  and day >= (select first_day from quality.count_period)
"""
_BY_RULE_AND_FIELD = """
with chosen as (
  select severity, rule, data_model, path, day,
    sum(findings)::bigint as findings, sum(messages)::bigint as messages
  from {found}
  where {condition}
  group by all
)

select severity, rule, data_model, path,
  sum(findings)::bigint as findings,
  sum(messages)::bigint as messages,
  list(day order by day) as days,
  list(findings order by day) as day_findings
from chosen
group by severity, rule, data_model, path
order by list_position(['error', 'warning', 'info'], severity), findings desc, rule, data_model, path
"""


@dataclass(frozen=True, slots=True)
class FindingLine:
    """Findings of one rule in one field of a data model; `days` and `day_findings` go together."""

    severity: str
    rule: str
    data_model: str
    path: str
    findings: int
    messages: int
    days: tuple[date, ...]
    day_findings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings: the worst and most frequent lines, totals by severity, what rules mean.

    `rules`: rule -> meaning and action, of the rules that occur. `left_out`: lines beyond the most.
    """

    lines: tuple[FindingLine, ...]
    totals: Mapping[str, int]
    rules: Mapping[str, tuple[str, str]]
    left_out: int


def read_findings(connection: duckdb.DuckDBPyConnection, chosen: Mapping[str, Any]) -> Findings:
    """Read the findings of the messages that a report is about, worst first. Needs tables only."""
    query = _BY_RULE_AND_FIELD.format(
        found=view_select("quality.finding_overview"), condition=_CONDITION
    )
    rows = connection.execute(query, dict(chosen)).fetchall()
    totals: dict[str, int] = {}
    for severity, *_, findings, _, _, _ in rows:
        totals[severity] = totals.get(severity, 0) + findings
    lines = tuple(
        FindingLine(severity, rule, model, path, findings, messages, tuple(days), tuple(counts))
        for severity, rule, model, path, findings, messages, days, counts in rows[:MOST_LINES]
    )
    known = connection.execute("select rule, meaning, action from quality.rule").fetchall()
    occurring = {line.rule for line in lines}
    return Findings(
        lines=lines,
        totals=totals,
        rules={rule: (meaning, act) for rule, meaning, act in known if rule in occurring},
        left_out=max(len(rows) - MOST_LINES, 0),
    )


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A line as the page shows it: counts in words, bars of its days ("" where hidden)."""

    severity: str
    rule: str
    data_model: str
    path: str
    findings: str
    messages: str
    since: date
    until: date
    bars: str
    most: int


def show_findings(
    found: Findings, *, suppress_below: int, last_day: date | None, days: int
) -> tuple[ShownFinding, ...]:
    """Word the lines; small counts are hidden, and with them the days they could be read from."""
    return tuple(_shown(line, suppress_below, last_day, days) for line in found.lines)


def _shown(line: FindingLine, below: int, last_day: date | None, days: int) -> ShownFinding:
    hides_days = any(is_small(count, below) for count in line.day_findings)
    counts = [0] * days
    for day, count in zip(line.days, line.day_findings, strict=True):
        at = days - 1 - ((last_day or day) - day) // timedelta(days=1)
        if 0 <= at < days:
            counts[at] = count
    return ShownFinding(
        severity=line.severity,
        rule=line.rule,
        data_model=line.data_model,
        path=line.path,
        findings=_count(line.findings, below),
        messages=_count(line.messages, below),
        since=line.days[0],
        until=line.days[-1],
        bars="" if hides_days else _bars(counts),
        most=0 if hides_days else max(counts, default=0),
    )


def _count(number: int, below: int) -> str:
    return f"<{below}" if is_small(number, below) else f"{number:,}"


def _bars(counts: Sequence[int]) -> str:
    """The path of an SVG of 120 x 20 that draws one bar a day."""
    most, step = max(counts, default=0), 120 / max(len(counts), 1)
    return "".join(
        f"M{(at + 0.5) * step:.1f} 20v-{max(18 * count / most, 1.5):.1f}"
        for at, count in enumerate(counts)
        if count
    )
