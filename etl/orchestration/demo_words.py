"""The five lines with which the demo ends: what was loaded, what is wrong, where to look first.

What is wrong is counted and worded by the report, so that both say the same.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from etl.pipeline.status import read_status
from etl.plurals import counted
from etl.queries.reading import open_for_reading
from etl.queries.reliability_checks import REPORT_FILE
from etl.report.facts import read_facts
from etl.report.records import ReportOptions
from etl.report.senders import name_senders
from etl.report.terminal import digest
from etl.settings import Settings


@dataclass(frozen=True, slots=True)
class Troubles:
    """What is wrong in a few words, and the first thing to look at; `first` is "" without one."""

    headline: str
    first: str


def read_troubles(connection: duckdb.DuckDBPyConnection) -> Troubles:
    """Return what the report says of everything that was loaded."""
    options = ReportOptions(generated_at=datetime.now(UTC))
    facts = read_facts(connection, options)
    found = digest(facts, name_senders(facts, suppress_below=0), limit=1, suppress_below=0)
    first = next((f"{one.who}: {one.sentence}" for one in found.attention), "")
    return Troubles(found.headline, first)


def tell(settings: Settings, seconds: float, *, width: int = 80) -> str:
    """Return the lines, folded to a width of characters; what they name is there to open."""
    status = read_status(settings.status_path)
    if status is None:
        return "Nothing was loaded."
    with open_for_reading(settings) as connection:
        troubles = read_troubles(connection)
    report = short_path(settings.reports_path / REPORT_FILE)
    return fold(five_lines(status, troubles, seconds=seconds, report=report), width=width)


def five_lines(
    status: Mapping[str, Any], troubles: Troubles, *, seconds: float, report: str
) -> list[tuple[str, str]]:
    """What was loaded, what is wrong, where to look first, and what to open: name and text."""
    return [
        ("Loaded", f"{_loaded(status)} ({seconds:.0f} s)"),
        ("Wrong", _wrong(status, troubles)),
        ("Look first", troubles.first or "Nothing unusual; the report shows every field."),
        ("Open", f"{report} in a browser; `make dagster`, then http://127.0.0.1:3000"),
        ("Ask", f"{_command()} findings"),
    ]


def fold(lines: list[tuple[str, str]], *, width: int) -> str:
    """The lines under each other, each text beside its name, folded at blanks."""
    indent = " " * (max(len(name) for name, _ in lines) + 2)
    folded = [""]
    for name, text in lines:
        parts = textwrap.wrap(
            text,
            max(40, width - len(indent)),
            break_long_words=False,
            break_on_hyphens=False,
        )
        folded.append(name.ljust(len(indent)) + f"\n{indent}".join(parts))
    return "\n".join(folded)


def _loaded(status: Mapping[str, Any]) -> str:
    messages = status["messages"]
    days = [model["last_day"] for model in status["models"] if model.get("last_day")]
    until = f", until {max(days)}" if days else ""
    return (
        f"{messages['loaded']:,} of {counted(messages['received'], 'message')}{until}; "
        f"{counted(messages['duplicate'], 'duplicate')}, {messages['quarantined']:,} in quarantine"
    )


def _wrong(status: Mapping[str, Any], troubles: Troubles) -> str:
    counts = {
        severity: sum(one["findings"] for one in status["findings"] if one["severity"] == severity)
        for severity in ("error", "warning")
    }
    found = " and ".join(counted(count, severity) for severity, count in counts.items() if count)
    return f"{troubles.headline}; {found or 'no warnings'} about values"


def _command() -> str:
    """How the command line is called from here, without an environment to activate."""
    return short_path(Path(sys.executable).parent / "redox-warehouse")


def short_path(path: Path) -> str:
    """The path as one would type it here: relative below the current folder, else absolute."""
    relative = os.path.relpath(path)
    return str(path.absolute()) if relative.startswith(os.pardir) else relative
