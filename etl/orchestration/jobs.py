"""The jobs over assets and when they run by themselves.

All run in the process of their run: a load spreads over worker processes of its own, and a process
per step would only add start-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from etl.orchestration.checks import load_check_specs
from etl.orchestration.delta import delta_selection
from etl.orchestration.graph import (
    FINDINGS,
    LANDED,
    POPULATION,
    PUBLISHED,
    PULLED,
    REPORT,
    Graph,
    model_key,
)
from etl.orchestration.loading import LOAD_STEP
from etl.orchestration.marts import mart_selection
from etl.settings import Settings

if TYPE_CHECKING:
    from etl.orchestration.graph import AssetJob

    AnyJob = AssetJob | dg.JobDefinition


def load_selection(graph: Graph) -> dg.AssetSelection:
    """Everything that one load writes and checks."""
    models = [model_key(model) for model in graph.models]
    assets = dg.AssetSelection.assets(LANDED, *models, FINDINGS, POPULATION).without_checks()
    return assets | dg.AssetSelection.checks(*(spec.key for spec in load_check_specs(graph)))


def publish_selection(graph: Graph) -> dg.AssetSelection:
    """A version, its marts, and its Delta tables where they have a target."""
    made = dg.AssetSelection.assets(PUBLISHED) | mart_selection()
    return made | delta_selection(graph.settings)


def build_load_job(graph: Graph) -> AssetJob:
    """The job of the sensor and the sweep."""
    return dg.define_asset_job(
        "load",
        selection=load_selection(graph),
        executor_def=dg.in_process_executor,
        description="Loads the sensor's batch, or everything that is waiting if there is none.",
    )


def build_whole_job(graph: Graph) -> AssetJob:
    """Load and publish in a row, for the first run and for small sites."""
    return dg.define_asset_job(
        "load_and_publish",
        selection=load_selection(graph) | publish_selection(graph),
        executor_def=dg.in_process_executor,
        description="Loads what is waiting and publishes it.",
    )


def build_backfill_job(graph: Graph) -> AssetJob:
    """An old folder, once."""
    config = {"paths": ["/path/to/old/exports"], "unwrap": "", "in_place": False}
    return dg.define_asset_job(
        "backfill_folder",
        selection=load_selection(graph),
        executor_def=dg.in_process_executor,
        config={"ops": {LOAD_STEP: {"config": config}}},
        description="Loads an old folder, glob or URL. `unwrap` is the key under which "
        "envelopes hold the messages (`body`), `in_place` keeps no copy of the bytes. "
        "If it is killed, run it again: it resumes. The paths are stored with the run: "
        "name folders, not files.",
    )


def build_publish_job(graph: Graph) -> AssetJob:
    """A new version for analysts."""
    return dg.define_asset_job(
        "publish",
        selection=publish_selection(graph),
        executor_def=dg.in_process_executor,
        description="Publishes a new version for analysts when something has changed.",
    )


def build_reliability_job() -> AssetJob:
    """The report, which brings the check of the ratings along."""
    return dg.define_asset_job(
        "reliability",
        selection=dg.AssetSelection.assets(REPORT),
        executor_def=dg.in_process_executor,
        description="Writes the reliability report and checks every data model's ratings.",
    )


def build_pull_job() -> AssetJob:
    """The queries of a day."""
    return dg.define_asset_job(
        "pull_replies",
        selection=dg.AssetSelection.assets(PULLED),
        executor_def=dg.in_process_executor,
        description="Sends the queries of a day to Redox; a backfill of a month is one click.",
    )


def build_senders_job(checks: dg.AssetChecksDefinition) -> AssetJob:
    """The checks that no source has fallen silent."""
    return dg.define_asset_job(
        "senders",
        selection=dg.AssetSelection.checks(*checks.check_keys),
        executor_def=dg.in_process_executor,
        description="Checks that no source has fallen silent.",
    )


def build_schedules(settings: Settings, jobs: Mapping[str, AnyJob]) -> list[dg.ScheduleDefinition]:
    """The schedules whose cron line is set."""
    when = settings.orchestration
    lines = {
        "load": (
            when.load_cron,
            "Loads what is waiting; the sensor new_files does this all the time.",
        ),
        "publish": (when.publish_cron, "Publishes what was loaded since the last version."),
        "senders": (when.senders_cron, "Checks that no source has fallen silent."),
        "retention": (when.retention_cron, "Counts or removes what is past its retention period."),
        "reliability": (when.report_cron, "Writes the reliability report and checks the ratings."),
    }
    schedules = [
        dg.ScheduleDefinition(
            name=f"{name}_schedule",
            job=jobs[name],
            cron_schedule=cron,
            execution_timezone=when.timezone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=description,
        )
        for name, (cron, description) in lines.items()
        if cron and name in jobs
    ]
    if when.pull_cron:
        schedules.append(build_pull_schedule(settings, jobs["pull_replies"]))
    return schedules


def build_pull_schedule(settings: Settings, pull_job: AnyJob) -> dg.ScheduleDefinition:
    """Asks the last full day (UTC)."""

    @dg.schedule(
        name="pull_schedule",
        job=pull_job,
        cron_schedule=settings.orchestration.pull_cron,
        execution_timezone=settings.orchestration.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Sends yesterday's queries.",
    )
    def ask_yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        yesterday = context.scheduled_execution_time.astimezone(UTC) - timedelta(days=1)
        return dg.RunRequest(partition_key=f"{yesterday:%Y-%m-%d}")

    return ask_yesterday
