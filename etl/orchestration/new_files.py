"""The sensor that starts loads: what is new at once, what failed again after a pause that grows.

It never opens the warehouse. A batch that a person terminated waits for a person; batches of other
files go on. Where runs of a batch are killed again and again, half of it is tried, so that one
source too large for the machine ends alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from etl.orchestration.arrivals import observe_arrivals
from etl.orchestration.attempts import (
    ATTEMPT_TAG,
    SENSOR_TAGS,
    Work,
    ended_work,
    is_under_way,
)
from etl.orchestration.boundary import told_to_sensor
from etl.orchestration.loading import LOAD_STEP
from etl.pipeline.watch import Waiting, find_waiting, keep_batch, list_batch, places_of
from etl.plurals import counted
from etl.sections import OrchestrationSettings
from etl.settings import Settings, read_settings
from etl.warehouse.identity import fault_beside

if TYPE_CHECKING:
    from etl.orchestration.graph import AssetJob
    from etl.sources.files import SourceFile

SENSOR = "new_files"
JOB = "load"
BATCH_TAG = "redox_warehouse/batch"
FILES_TAG = "redox_warehouse/files"
SIZE_TAG = "redox_warehouse/size"
PLACES_TAG = "redox_warehouse/from"
KILLS_BEFORE_HALVING = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """Sources of one run, and which attempt at them it is."""

    sources: tuple[SourceFile, ...]
    attempt: int


@dataclass(frozen=True, slots=True)
class Sorted:
    """Waiting sources by what became of their last load: `earlier` pairs a load with its sources."""

    fresh: tuple[SourceFile, ...]
    earlier: tuple[tuple[Work, tuple[SourceFile, ...]], ...]

    def next_batch(self, now: datetime, limits: OrchestrationSettings, most: int) -> Batch | None:
        """Return what to load now: an earlier batch that is due, else what is fresh."""
        for work, sources in self.earlier:
            if not work.is_terminated and work.due_at(limits) <= now:
                return _again(work, sources)
        return Batch(self.fresh[:most], 1) if self.fresh else None

    def reasons(self, now: datetime, limits: OrchestrationSettings) -> Iterator[str]:
        """Say of each earlier batch that is not loaded now what it waits for."""
        for work, sources in self.earlier:
            count = counted(len(sources), "source")
            if work.is_terminated:
                yield (
                    f"{count}: a person terminated the load (run {work.short_run_id}), so a person "
                    "resumes it: press Re-execute on that run, or launch the job load, "
                    "which loads everything that is waiting."
                )
            elif (due_at := work.due_at(limits)) > now:
                yield (
                    f"{count}: the load did not finish (run {work.short_run_id}); attempt "
                    f"{work.attempts + 1} starts after {due_at:%H:%M:%S} UTC."
                )


def _again(work: Work, sources: tuple[SourceFile, ...]) -> Batch:
    """All of them once more, or half where runs were killed again and again."""
    if work.is_killed and work.attempts >= KILLS_BEFORE_HALVING and len(sources) > 1:
        return Batch(sources[: len(sources) // 2], 1)
    return Batch(sources, work.attempts + 1)


def build_sensor(settings: Settings, load_job: AssetJob) -> dg.SensorDefinition:
    """Build the sensor that starts one run per batch, one batch at a time."""

    @dg.sensor(
        name=SENSOR,
        job=load_job,
        minimum_interval_seconds=settings.watch.every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads files and segments that are new or changed in HOME/incoming and "
        "watch.paths. Tries a load that was killed or failed again, after a pause that grows.",
    )
    def new_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if is_under_way(context.instance, load_job.name):
            return dg.SensorResult(
                skip_reason="A load is running; what is waiting is loaded after it."
            )
        with told_to_sensor():
            return look(read_settings(), context.instance, datetime.now(UTC))

    return new_files


def look(settings: Settings, instance: dg.DagsterInstance, now: datetime) -> dg.SensorResult:
    """Look at the watched paths once; ask for a run of what waits, or say why there is none.

    Where parts of the home come from different times no run is asked for: it could only fail, and what
    helps, `redox-warehouse recover`, is a person's decision.
    """
    if fault := fault_beside(settings.home):
        return dg.SensorResult(skip_reason=fault)
    waiting = find_waiting(settings, now)
    by_fate = sort_waiting(settings, waiting.sources, instance, now)
    limits = settings.orchestration
    batch = by_fate.next_batch(now, limits, settings.watch.max_batch_files)
    if batch is None:
        reasons = [*_why_nothing(waiting), *by_fate.reasons(now, limits)]
        return dg.SensorResult(skip_reason=" ".join(reasons))
    return dg.SensorResult(
        run_requests=[_request(settings, batch, instance)],
        asset_events=list(observe_arrivals(settings, waiting, now)),
    )


def sort_waiting(
    settings: Settings, sources: Sequence[SourceFile], instance: dg.DagsterInstance, now: datetime
) -> Sorted:
    """Sort waiting sources by the newest load that had them in its batch."""
    left = dict.fromkeys(sources)
    earlier = []
    for work in ended_work(instance, JOB, BATCH_TAG, now=now) if left else ():
        own = tuple(one for one in list_batch(settings, work.name) if one in left)
        if own:
            earlier.append((work, own))
            left = {source: None for source in left if source not in set(own)}
    return Sorted(tuple(left), tuple(earlier))


def _request(settings: Settings, batch: Batch, instance: dg.DagsterInstance) -> dg.RunRequest:
    name = keep_batch(settings, batch.sources)
    earlier = instance.get_runs_count(dg.RunsFilter(job_name=JOB, tags={BATCH_TAG: name}))
    size_bytes = sum(source.size for source in batch.sources)
    return dg.RunRequest(
        run_key=f"{name}-{earlier + 1}",
        run_config={"ops": {LOAD_STEP: {"config": {"batch": name}}}},
        tags={
            **SENSOR_TAGS,
            BATCH_TAG: name,
            FILES_TAG: str(len(batch.sources)),
            SIZE_TAG: f"{size_bytes / 1e6:,.1f} MB",
            PLACES_TAG: ", ".join(places_of(settings, batch.sources)),
            ATTEMPT_TAG: str(batch.attempt),
        },
    )


def _why_nothing(waiting: Waiting) -> Iterator[str]:
    yield "Nothing new."
    if waiting.unsettled:
        yield f"{waiting.unsettled:,} changed just now and wait to settle."
    yield from (f"Cannot list {one}." for one in waiting.unreadable)
