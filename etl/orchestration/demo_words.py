"""The five lines with which the demo ends: what was loaded, what is wrong, where to look first."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from etl.answers.reading import open_for_reading
from etl.answers.reliability_checks import REPORT_FILE
from etl.pipeline.status import read_status
from etl.plurals import counted
from etl.report.source_names import read_source_names
from etl.settings import Settings

_BELOW = """
select path, source_id, any_value(rating), min(request_rate), count(*) over () as fields
from quality.field_verdict
where fails_check
group by path, source_id
order by min(margin), sum(messages) desc, path
limit 1
"""
_FELL = """
select path, source_id, min(day) as day, sum(past_populated) / sum(past_messages) as past_rate,
  sum(recent_populated) / sum(recent_messages) as recent_rate, count(*) over () as fields
from quality.field_drift
where kind in ('fell', 'vanished') and not is_test
group by path, source_id
order by sum(past_messages) desc, path
limit 1
"""
_SILENT = """
select source_id, last_day
from quality.source_silence
where not is_test
order by last_day, source_id
"""


@dataclass(frozen=True, slots=True)
class Fall:
    """A field that fell: rates before and since are shares of messages."""

    path: str
    source: str
    day: date
    before: float
    since: float

    def told(self) -> str:
        return (
            f"{self.path} of {self.source} fell from {self.before:.0%} to {self.since:.0%} on "
            f"{_day(self.day)}: ask them what changed that day."
        )


@dataclass(frozen=True, slots=True)
class Troubles:
    """What is wrong: fields below their rating, the widest fall, senders that are silent."""

    below: int
    worst: str
    falls: int
    fall: Fall | None
    silent: tuple[str, ...]


def read_troubles(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> Troubles:
    """What the views of quality say of everything that was loaded."""
    below = connection.execute(_BELOW).fetchone()
    fell = connection.execute(_FELL).fetchone()
    silent = connection.execute(_SILENT).fetchall()
    return Troubles(
        below=below[4] if below else 0,
        worst=f"{below[0]} of {names.get(below[1], below[1])} is filled in {below[3]:.0%} of its "
        f"messages, rated {below[2]}: ask them for it." if below else "",
        falls=fell[5] if fell else 0,
        fall=Fall(fell[0], names.get(fell[1], fell[1]), *fell[2:5]) if fell else None,
        silent=tuple(
            f"{names.get(source, source)} has been silent since {_day(day)}"
            for source, day in silent
        ),
    )  # fmt: skip


def tell(settings: Settings, seconds: float, *, width: int = 80) -> str:
    """The lines, folded to a width of characters; what they name is there to open."""
    status = read_status(settings.status_path)
    if status is None:
        return "Nothing was loaded."
    with open_for_reading(settings) as connection:
        names = read_source_names(connection)
        troubles = read_troubles(connection, names)
    report = os.path.relpath(settings.reports_path / REPORT_FILE)
    lines = five_lines(
        status, troubles, names=sorted(names.values()), seconds=seconds, report=report
    )
    return fold(lines, width=width)


def five_lines(
    status: Mapping[str, Any],
    troubles: Troubles,
    *,
    names: list[str],
    seconds: float,
    report: str,
) -> list[tuple[str, str]]:
    """What was loaded, what is wrong, where to look first, and what to open: name and text."""
    return [
        ("Loaded", f"{_loaded(status, names)} ({seconds:.0f}s)"),
        ("Wrong", _wrong(status, troubles)),
        ("Look first", _first(troubles)),
        ("Open", f"{report} in a browser; `make dagster`, then http://127.0.0.1:3000"),
        ("Ask", f"{_command()} findings"),
    ]


def fold(lines: list[tuple[str, str]], *, width: int) -> str:
    """The lines under each other, each text beside its name, folded at blanks."""
    indent = " " * (max(len(name) for name, _ in lines) + 2)
    folded = [""]
    for name, text in lines:
        parts = textwrap.wrap(
            text, max(40, width - len(indent)), break_long_words=False, break_on_hyphens=False
        )
        folded.append(name.ljust(len(indent)) + f"\n{indent}".join(parts))
    return "\n".join(folded)


def _loaded(status: Mapping[str, Any], names: list[str]) -> str:
    messages = status["messages"]
    days = [model["last_day"] for model in status["models"] if model.get("last_day")]
    until = f" until {max(days)}" if days else ""
    return (
        f"{messages['loaded']:,} of {messages['received']:,} messages of {_and(names)}{until}; "
        f"{counted(messages['duplicate'], 'duplicate')}, {messages['quarantined']:,} in quarantine"
    )


def _wrong(status: Mapping[str, Any], troubles: Troubles) -> str:
    warnings = sum(one["findings"] for one in status["findings"] if one["severity"] == "warning")
    parts = [
        f"{counted(troubles.below, 'field')} below {'its' if troubles.below == 1 else 'their'} rating",
        f"{counted(troubles.falls, 'field')} fell",
        *troubles.silent,
        counted(warnings, "warning"),
    ]
    return "; ".join(parts)


def _first(troubles: Troubles) -> str:
    if troubles.fall:
        return troubles.fall.told()
    if troubles.worst:
        return troubles.worst
    if troubles.silent:
        return f"{troubles.silent[0]}: ask them why."
    return "Nothing stands out; the report shows every field."


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _command() -> str:
    """How the command line is called from here, without an environment to activate."""
    return os.path.relpath(Path(sys.executable).parent / "redox-warehouse")
