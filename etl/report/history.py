"""The reports of a home: the newest under a fixed name, earlier ones kept beside it and listed.

`HOME/reports/reliability.html` is always the newest; `reliability-YYYYMMDD-HHMMSS.html` are the
kept ones, `history.json` says in numbers what each of them said.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from etl.report.records import EarlierReport, ReportSummary, Verdict

NEWEST = "reliability.html"
KEPT_REPORTS = 20
_HISTORY = "history.json"


def dated_name(at: datetime) -> str:
    """Return the file name of the report made at this moment."""
    return f"reliability-{at:%Y%m%d-%H%M%S}.html"


def list_reports(folder: Path) -> tuple[EarlierReport, ...]:
    """Return the kept reports that are still there, the newest first; none if the list is damaged."""
    try:
        lines = json.loads((folder / _HISTORY).read_text("utf-8"))
        known = [
            EarlierReport(**{**line, "generated_at": datetime.fromisoformat(line["generated_at"])})
            for line in lines
        ]
    except (OSError, ValueError, TypeError, KeyError):
        return ()
    there = [one for one in known if (folder / Path(one.file).name).is_file()]
    return tuple(sorted(there, key=lambda one: one.generated_at, reverse=True))


def keep_report(folder: Path, summary: ReportSummary, at: datetime) -> None:
    """Keep the newest report under the name of its moment too; the oldest beyond the limit go."""
    newest, kept = folder / NEWEST, folder / dated_name(at)
    kept.unlink(missing_ok=True)
    os.link(newest, kept)
    verdicts = summary.verdicts
    own = EarlierReport(
        file=kept.name,
        generated_at=at,
        messages=summary.messages,
        evaluated=sum(verdicts.get(v, 0) for v in (Verdict.MET, Verdict.BELOW, Verdict.ABOVE)),
        met=verdicts.get(Verdict.MET, 0),
        below=verdicts.get(Verdict.BELOW, 0),
        changes=summary.changes,
    )
    reports = [own, *(one for one in list_reports(folder) if one.file != own.file)]
    for old in reports[KEPT_REPORTS:]:
        (folder / old.file).unlink(missing_ok=True)
    _write(folder, reports[:KEPT_REPORTS])


def _write(folder: Path, reports: list[EarlierReport]) -> None:
    partial = folder / f".{_HISTORY}.{os.getpid()}.partial"
    partial.touch(mode=0o600)
    lines = [{**asdict(one), "generated_at": one.generated_at.isoformat()} for one in reports]
    partial.write_text(json.dumps(lines, indent=1), "utf-8")
    partial.replace(folder / _HISTORY)
