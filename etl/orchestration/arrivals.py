"""Where messages come from, as the graph shows it, and the sensor that starts loads of new files."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from etl.orchestration.boundary import told_to_sensor
from etl.orchestration.graph import ARRIVAL, INCOMING, PULLED, WATCHED, Graph
from etl.orchestration.loading import LOAD_STEP
from etl.pipeline.watch import Waiting, find_waiting, keep_batch
from etl.settings import Settings, read_settings

if TYPE_CHECKING:
    from etl.orchestration.graph import AssetJob

SENSOR = "new_files"
BATCH_TAG = "redox_warehouse/batch"
FILES_TAG = "redox_warehouse/files"
_NOTED = "how many wait (`waiting`, `bytes`), and for how long the oldest has (`oldest_s`)"
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def arrival_specs(graph: Graph) -> list[dg.AssetSpec]:
    """What lies outside of Dagster's hands: segments that the webhook closes, watched files."""
    return [
        graph.spec(
            INCOMING,
            "Closed segments in HOME/incoming: what the webhook (`redox-warehouse receive`) "
            "acknowledged and what pulls handed over; the load deletes them once it has them. When "
            f"the sensor finds new ones it notes here {_NOTED}.",
            group=ARRIVAL,
            kinds={"http", "file"},
            deps=[PULLED],
        ),
        graph.spec(
            WATCHED,
            "Files and objects of buckets under `watch.paths`. When the sensor finds new or "
            f"replaced ones it notes here {_NOTED}.",
            group=ARRIVAL,
            kinds={"file", "s3"},
        ),
    ]


def build_sensor(settings: Settings, load_job: "AssetJob") -> dg.SensorDefinition:
    """Starts one run per batch of new files; one batch at a time, never opens the warehouse."""

    @dg.sensor(
        name=SENSOR,
        job=load_job,
        minimum_interval_seconds=settings.watch.every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Compares the watched paths with what was seen; loads what is new or changed.",
    )
    def new_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if is_load_under_way(context.instance, load_job.name):
            return dg.SensorResult(skip_reason="A load is under way; what waits comes after it.")
        with told_to_sensor():
            return look(read_settings(), last_batch=context.cursor or "")

    return new_files


def is_load_under_way(instance: dg.DagsterInstance, job_name: str) -> bool:
    """Whether a run of the sensor's job is queued or running."""
    filters = dg.RunsFilter(job_name=job_name, statuses=UNDER_WAY)
    return bool(instance.get_run_ids(filters, limit=1))


def look(settings: Settings, *, last_batch: str = "") -> dg.SensorResult:
    """One look at the watched paths: a run for what waits, or why there is none."""
    now = datetime.now(UTC)
    waiting = find_waiting(settings, now)
    if not waiting.sources:
        return dg.SensorResult(skip_reason=_why_nothing(waiting))
    batch = waiting.sources[: settings.watch.max_batch_files]
    name = keep_batch(settings, batch)
    if name == last_batch:
        return dg.SensorResult(
            skip_reason=f"The load of these {len(batch):,} sources did not come to its end; the "
            "hourly sweep tries again, or run the job by hand."
        )
    run = dg.RunRequest(
        run_key=name,
        run_config={"ops": {LOAD_STEP: {"config": {"batch": name}}}},
        tags={BATCH_TAG: name, FILES_TAG: str(len(batch))},
    )
    events = list(_observations(settings, waiting, now))
    return dg.SensorResult(run_requests=[run], asset_events=events, cursor=name)


def _why_nothing(waiting: Waiting) -> str:
    reasons = ["Nothing new."]
    if waiting.unsettled:
        reasons.append(f"{waiting.unsettled:,} changed just now and wait to settle.")
    return " ".join([*reasons, *(f"Cannot look at {one}." for one in waiting.unreadable)])


def _observations(
    settings: Settings, waiting: Waiting, now: datetime
) -> Iterator[dg.AssetObservation]:
    """How much waits and how long, by where it arrived."""
    inside = f"{settings.incoming_path}/"
    for key, is_incoming in ((INCOMING, True), (WATCHED, False)):
        own = [one for one in waiting.sources if one.uri.startswith(inside) == is_incoming]
        if own:
            oldest_ns = min(one.mtime_ns for one in own)
            metadata: dict[str, int | str] = {
                "waiting": len(own),
                "bytes": sum(one.size for one in own),
                "oldest_s": max(0, round(now.timestamp() - oldest_ns / 1e9)),
            }
            if waiting.unreadable and not is_incoming:
                metadata["cannot_look_at"] = "; ".join(waiting.unreadable)
            yield dg.AssetObservation(key, metadata=metadata)
