"""The job that removes what is older than the site keeps it; it only counts unless told to remove."""

from datetime import timedelta

import dagster as dg
from pydantic import Field

from etl.lake.homes import open_home
from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import WAREHOUSE_POOL
from etl.orchestration.home import Home
from etl.pipeline.load import utc_now
from etl.pipeline.retention import retain

MOST_RUNS = 1_000
OVER = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


class RetainConfig(dg.Config):
    """Whether to remove."""

    apply: bool = Field(
        default=False,
        description="Remove what is past its retention period; retention.apply does the same.",
    )


def build_retention_job() -> dg.JobDefinition:
    """Counts, and removes if asked to, what section retention does not keep."""

    @dg.op(name="retain_home", pool=WAREHOUSE_POOL, out=dg.Out(dg.Nothing))
    def retain_home(context: dg.OpExecutionContext, config: RetainConfig, home: Home) -> None:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            is_applied = config.apply or settings.retention.apply
            with open_home(settings) as loader:
                done = retain(loader, apply=is_applied)
            runs = _old_runs(context.instance, settings.retention.dagster_days)
            for run_id in runs if is_applied else ():
                context.instance.delete_run(run_id)
            context.add_output_metadata(
                {
                    "removed": is_applied,
                    "messages": done.removed.messages,
                    "duplicates": done.removed.duplicates,
                    "quarantined": done.removed.quarantined,
                    "landed_bytes": done.removed.bytes,
                    "published_versions": len(done.versions),
                    "reports": done.reports,
                    "dagster_runs": len(runs),
                }
            )

    @dg.job(
        name="retention",
        executor_def=dg.in_process_executor,
        description="Counts what is past its retention period (section retention); removes it if "
        "retention.apply or the run's configuration says so.",
    )
    def retention() -> None:
        retain_home()

    return retention


def _old_runs(instance: dg.DagsterInstance, days: int) -> list[str]:
    """Runs that ended and are too old, the oldest thousand at most."""
    if not days:
        return []
    oldest = utc_now() - timedelta(days=days)
    ended = dg.RunsFilter(statuses=OVER, created_before=oldest)
    return [record.dagster_run.run_id for record in instance.get_run_records(ended, MOST_RUNS)]
