"""Queries to Redox by day: one partition asks that day's requests, a backfill asks a month."""

from datetime import date

import dagster as dg

from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import ARRIVAL, PULL_POOL, PULLED, Graph
from etl.orchestration.home import Home
from etl.orchestration.metadata import count_table
from etl.pipeline.pull import PullRequest, PullSummary, pull
from etl.settings import Settings


class PullConfig(dg.Config):
    """Requests answered before are not asked again, save with `retry_errors` those whose reply
    listed errors, or with `ask_anew` all."""

    retry_errors: bool = False
    ask_anew: bool = False


def pull_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """The days that can be asked for."""
    since = settings.orchestration.pull_since
    return dg.DailyPartitionsDefinition(start_date=since.isoformat(), timezone="UTC")


def build_pulled_replies(graph: Graph, settings: Settings) -> dg.AssetsDefinition:
    """The replies of one day's queries; they wait in HOME/incoming for the next load."""
    spec = graph.spec(
        PULLED,
        "Replies to the queries we send to Redox, one partition per day (UTC). Requests come from "
        "HOME/requests (or `orchestration.pull_requests`), filled from `orchestration.pull_table`. "
        "Materialize one day or any range; what was answered is not asked again. A day with a "
        "failed request is red until it was run again with success. The replies wait in "
        "`incoming_segments` for the sensor.",
        group=ARRIVAL,
        kinds={"http", "json"},
        partitions_def=pull_partitions(settings),
    )

    @dg.multi_asset(name=PULLED.path[-1], specs=[spec], pool=PULL_POOL)
    def pulled_replies(
        context: dg.AssetExecutionContext, config: PullConfig, home: Home
    ) -> dg.MaterializeResult[None]:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            day = date.fromisoformat(context.partition_key)
            summary = pull(settings, _request(settings, day, config, context.run.run_id))
            if summary.with_errors:
                context.log.warning(
                    f"{summary.with_errors:,} replies list errors (Meta.Errors); they are kept and "
                    "loaded, and the config retry_errors asks them again."
                )
            if summary.failed:
                raise _unanswered(summary)
            return dg.MaterializeResult(metadata=_metadata(summary))

    return pulled_replies


def _request(settings: Settings, day: date, config: PullConfig, run_id: str) -> PullRequest:
    files = settings.orchestration.pull_requests or settings.home / "requests"
    return PullRequest(
        files=(files,),
        table=settings.orchestration.pull_table,
        days=(day,),
        partition=run_id if config.ask_anew else "",
        retry_errors=config.retry_errors,
    )


def _unanswered(summary: PullSummary) -> dg.Failure:
    """A day that is not complete must not be green; the command line gives exit code 1 for it."""
    reasons = ", ".join(f"{count:,} {why}" for why, count in sorted(summary.failures.items()))
    return dg.Failure(
        description=f"{summary.failed:,} of {summary.planned:,} requests of this day failed "
        f"({reasons}); the other replies are kept, so correct what was refused and run the day "
        "again: it asks only what is missing.",
        metadata=_metadata(summary),
        allow_retries=False,
    )


def _metadata(summary: PullSummary) -> dict[str, dg.MetadataValue | int]:
    tables = {
        "replies": count_table("reply", "count", summary.replies.items()),
        "failures": count_table("reason", "count", summary.failures.items()),
    }
    return {
        "dagster/partition_row_count": summary.landed + summary.landed_before,
        "requests": summary.planned,
        "replies_landed": summary.landed,
        "answered_before": summary.landed_before,
        "failed": summary.failed,
        "replies_with_errors": summary.with_errors,
        "replies_of_another_event_type": summary.unexpected,
        **{name: table for name, table in tables.items() if getattr(summary, name)},
    }
