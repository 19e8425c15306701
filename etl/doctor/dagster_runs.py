"""Dagster's runs: does its daemon work, do runs that ended still hold a place, does any wait?

Reads Dagster's own records through its library; changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from etl.doctor.records import Check, ok, warn
from etl.plurals import counted

if TYPE_CHECKING:
    import dagster as dg

RECORDS = Path("history", "runs.db")
SILENT_S = 120.0
AREA = "dagster"


def check_runs(folder: Path) -> Iterator[Check]:
    """Check the runs of a Dagster home; nothing is said before its first start."""
    if not (folder / RECORDS).is_file():
        return
    try:
        yield from _look_inside(folder.absolute())
    except (
        Exception
    ) as error:  # Dagster's library has a family of its own, and records may be damaged
        action = (
            f"run `DAGSTER_HOME={folder.absolute()} dagster instance info`, which names the cause."
        )
        yield warn(AREA, "runs", f"its records cannot be read ({type(error).__name__})", action)


def _look_inside(folder: Path) -> Iterator[Check]:
    import dagster as dg

    with dg.DagsterInstance.from_config(str(folder)) as instance:
        waiting = instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
        yield _daemon(instance, waiting)
        yield _places(instance)


def _daemon(instance: dg.DagsterInstance, waiting: int) -> Check:
    beats = [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]
    silent_s = time.time() - max(beats, default=0)
    if beats and silent_s <= SILENT_S:
        return ok(AREA, "daemon", f"running, {counted(waiting, 'run')} queued")
    action = "start `make dagster` or the service dagster-daemon; sensors and queued runs need it."
    since = f"no sign of life for {silent_s / 60:,.0f} minutes" if beats else "it never ran"
    return warn(AREA, "daemon", f"{since}, {counted(waiting, 'run')} queued", action)


def _places(instance: dg.DagsterInstance) -> Check:
    """Places in pools that belong to runs that ended: nobody gives them back without monitoring."""
    holders = instance.event_log_storage.get_concurrency_run_ids()
    count = _count_ended(instance, holders) if holders else 0
    if not count:
        return ok(AREA, "slots", "no ended run holds one")
    action = "start Dagster with the dagster.yaml of this release; it frees them within a minute."
    return warn(AREA, "slots", f"{counted(count, 'run')} that ended still hold a slot", action)


def _count_ended(instance: dg.DagsterInstance, run_ids: Collection[str]) -> int:
    """Return how many of these runs, at least one, have ended; Dagster refuses an empty filter."""
    import dagster as dg

    status = dg.DagsterRunStatus
    over = [status.SUCCESS, status.FAILURE, status.CANCELED]
    return instance.get_runs_count(dg.RunsFilter(run_ids=list(run_ids), statuses=over))
