"""The sensor that publishes what was loaded, by whichever door, as soon as it is loaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from etl.orchestration.attempts import (
    ATTEMPT_TAG,
    SENSOR_TAGS,
    Work,
    ended_work,
    is_under_way,
)
from etl.orchestration.boundary import told_to_sensor
from etl.orchestration.places import current_version
from etl.pipeline.status import read_status
from etl.publish.manifest import Manifest
from etl.sections import OrchestrationSettings
from etl.settings import Settings, read_settings

if TYPE_CHECKING:
    from etl.orchestration.graph import AssetJob

SENSOR = "new_loads"
JOB = "publish"
STATE_TAG = "redox_warehouse/last_load"


def build_sensor(settings: Settings, publish_job: AssetJob) -> dg.SensorDefinition:
    """Build the sensor that starts the job publish when something was loaded since the version."""
    is_on = settings.orchestration.publish_after_load
    status = dg.DefaultSensorStatus
    return dg.SensorDefinition(
        name=SENSOR,
        job=publish_job,
        evaluation_fn=new_loads,
        minimum_interval_seconds=settings.watch.every_s,
        default_status=status.RUNNING if is_on else status.STOPPED,
        description="Publishes a version as soon as something was loaded, by Dagster or by the "
        "command line; at most one in orchestration.publish_pause_s.",
    )


def new_loads(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Ask for a publication, or say why there is none."""
    if is_under_way(context.instance, JOB):
        return dg.SensorResult(skip_reason="A version is being published.")
    with told_to_sensor():
        return look(read_settings(), context.instance, datetime.now(UTC))


def look(settings: Settings, instance: dg.DagsterInstance, now: datetime) -> dg.SensorResult:
    """Compare the last load with the current version; opens neither."""
    status = read_status(settings.status_path)
    if status is None or not status["recent_loads"]:
        return dg.SensorResult(skip_reason="Nothing was loaded yet.")
    load_id = int(status["recent_loads"][0]["load_id"])
    version = current_version(settings)
    if version is not None and version.load_ids.last == load_id:
        return _skip(f"Version {version.version} holds the last load ({load_id}).")
    earlier = _earlier(instance, load_id, now)
    reason = _why_not_now(settings.orchestration, version, earlier, load_id, now)
    if reason:
        return _skip(reason)
    attempts = earlier.attempts if earlier else 0
    run = dg.RunRequest(
        run_key=f"load-{load_id}-{attempts + 1}",
        tags={**SENSOR_TAGS, STATE_TAG: str(load_id), ATTEMPT_TAG: str(attempts + 1)},
    )
    return dg.SensorResult(run_requests=[run])


def _earlier(instance: dg.DagsterInstance, load_id: int, now: datetime) -> Work | None:
    """What became of earlier attempts to publish up to this load."""
    works = ended_work(instance, JOB, STATE_TAG, now=now)
    return next((work for work in works if work.name == str(load_id)), None)


def _why_not_now(
    limits: OrchestrationSettings,
    version: Manifest | None,
    earlier: Work | None,
    load_id: int,
    now: datetime,
) -> str:
    """Say why nothing is published now, "" where something should be."""
    if earlier and earlier.is_done:
        return f"Load {load_id} changed nothing that analysts can read."
    if earlier and earlier.is_terminated:
        return (
            f"A person terminated the publication (run {earlier.short_run_id}); the next load "
            "starts a new one, or launch the job publish."
        )
    if earlier and (due_at := earlier.due_at(limits)) > now:
        return (
            f"Publishing failed (run {earlier.short_run_id}, which says why); attempt "
            f"{earlier.attempts + 1} starts after {due_at:%H:%M:%S} UTC."
        )
    if version is not None:
        published_at = datetime.fromisoformat(version.created_at)
        due_at = published_at + timedelta(seconds=limits.publish_pause_s)
        if due_at > now:
            return (
                f"Load {load_id} is published after {due_at:%H:%M:%S} UTC: at most one version in "
                f"{limits.publish_pause_s:,} s (orchestration.publish_pause_s)."
            )
    return ""


def _skip(reason: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=reason)
