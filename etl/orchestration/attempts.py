"""What became of earlier runs of the same work, and when it is tried again.

Work is known by a tag: the hash of a batch of sources, the state of the warehouse that is to be
published. All is read from Dagster's own records, so a daemon that was killed knows it as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from etl.sections import OrchestrationSettings

ATTEMPT_TAG = "redox_warehouse/attempt"
REMEMBERED = timedelta(days=30)
MOST_RUNS = 1_000
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# The sensor repeats its own runs, with a pause that grows; Dagster's retries are for other runs.
SENSOR_TAGS = {"dagster/max_retries": "0"}
_FAILURE_REASON = "dagster/failure_reason"


@dataclass(frozen=True, slots=True)
class Work:
    """Work whose newest run has ended, in whatever way.

    `attempts` counts its runs, `ended_at` is when the newest ended (UTC). `is_terminated`: a person
    stopped it, so a person resumes it. `is_killed`: its process ended, no step failed.
    """

    name: str
    run_id: str
    attempts: int
    ended_at: datetime
    is_done: bool
    is_terminated: bool
    is_killed: bool

    @property
    def short_run_id(self) -> str:
        """The run as Dagster's pages show it."""
        return self.run_id[:8]

    def due_at(self, limits: OrchestrationSettings) -> datetime:
        """Return when it is tried again: the pause doubles with each attempt, up to a limit."""
        doubled_s = limits.retry_wait_s * 2.0 ** min(self.attempts - 1, 30)
        return self.ended_at + timedelta(seconds=min(doubled_s, limits.longest_retry_wait_s))


def is_under_way(instance: dg.DagsterInstance, *job_names: str) -> bool:
    """True if a run of one of the jobs is queued or running."""
    return any(
        instance.get_run_ids(dg.RunsFilter(job_name=name, statuses=UNDER_WAY), limit=1)
        for name in job_names
    )


def ended_work(
    instance: dg.DagsterInstance, job_name: str, tag: str, *, now: datetime
) -> list[Work]:
    """Return the work of a job's runs of the last 30 days that is not under way, newest first."""
    by_name: dict[str, list[dg.RunRecord]] = {}
    for record in _records(instance, job_name, now):
        name = record.dagster_run.tags.get(tag)
        if name:
            by_name.setdefault(name, []).append(record)
    return [work for name, records in by_name.items() for work in _ended(name, records)]


def _records(instance: dg.DagsterInstance, job_name: str, now: datetime) -> Iterator[dg.RunRecord]:
    filters = dg.RunsFilter(job_name=job_name, created_after=now - REMEMBERED)
    yield from instance.get_run_records(filters, limit=MOST_RUNS)


def _ended(name: str, records: list[dg.RunRecord]) -> Iterator[Work]:
    """The work, unless its newest run has not ended; records come newest first."""
    newest, run = records[0], records[0].dagster_run
    if not run.is_finished:
        return
    updated_at = newest.update_timestamp.replace(tzinfo=UTC)
    yield Work(
        name=name,
        run_id=run.run_id,
        attempts=len(records),
        ended_at=datetime.fromtimestamp(newest.end_time, UTC) if newest.end_time else updated_at,
        is_done=run.status is dg.DagsterRunStatus.SUCCESS,
        is_terminated=run.status is dg.DagsterRunStatus.CANCELED,
        is_killed=run.status is dg.DagsterRunStatus.FAILURE
        and run.tags.get(_FAILURE_REASON) != "STEP_FAILURE",
    )
