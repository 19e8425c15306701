"""Queries to Redox by day: one partition asks that day's requests, a backfill asks a month."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
from pydantic import Field

from etl.errors import UsageFault
from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import ARRIVAL, PULL_POOL, PULLED, Graph
from etl.orchestration.home import Home
from etl.orchestration.metadata import Metadata
from etl.orchestration.tables import count_table
from etl.pipeline.pull import PullRequest, PullSummary, pull
from etl.settings import Settings


class PullConfig(dg.Config):
    """Requests answered before are not asked again, unless this says so."""

    retry_errors: bool = Field(
        default=False,
        description="Send requests again whose reply listed errors (Meta.Errors).",
    )
    ask_anew: bool = Field(
        default=False,
        description="Send everything again; replies that were loaded before count as duplicates.",
    )


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
    days = settings.orchestration.pull_days_per_run

    @dg.multi_asset(
        name=PULLED.path[-1],
        specs=[spec],
        pool=PULL_POOL,
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=days),
    )
    def pulled_replies(
        context: dg.AssetExecutionContext, config: PullConfig, home: Home
    ) -> dg.MaterializeResult[None]:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            check_files(settings)
            by_day = {
                key: _pull_day(settings, key, config, context) for key in context.partition_keys
            }
            summary = sum(by_day.values(), PullSummary(0))
            if summary.failed:
                _keep_good_days(context, by_day)
                raise _unanswered(summary, by_day)
            return dg.MaterializeResult(metadata=_metadata(settings, summary))

    return pulled_replies


def _pull_day(
    settings: Settings, key: str, config: PullConfig, context: dg.AssetExecutionContext
) -> PullSummary:
    request = _request(settings, date.fromisoformat(key), config, context.run.run_id)
    summary = pull(settings, request)
    for line in describe_replies(summary):
        context.log.warning(f"{key}: {line}")
    return summary


def describe_replies(summary: PullSummary) -> Iterator[str]:
    """Say of replies that are not what one expects what they are and what becomes of them."""
    for count, what, follows in (
        (
            summary.with_errors,
            "list errors (Meta.Errors)",
            "they are kept and loaded; the config retry_errors sends these requests again",
        ),
        (
            summary.unexpected,
            "have a different data model or event type from what was requested",
            "they are loaded as the type that they state",
        ),
        (
            summary.empty,
            "hold nothing but Meta",
            "Redox found nothing; they are loaded, with no rows of their own beside the message",
        ),
        (
            summary.without_time,
            "have no Meta.EventDateTime",
            "they count for the day on which they were received",
        ),
    ):
        if count:
            yield f"Replies that {what}: {count:,}; {follows}."


def check_files(settings: Settings) -> None:
    """Raise UsageFault naming the setting and the folder where there is nothing to ask."""
    requests, table = request_files(settings), settings.orchestration.pull_table
    if not requests.exists():
        raise UsageFault(
            f"There are no requests: {requests} does not exist; put request files there, or set "
            "orchestration.pull_requests to the folder that holds them (docs/pull.md)."
        )
    if table is not None and not table.is_file():
        raise UsageFault(
            f"The table of parameters {table} does not exist; correct orchestration.pull_table."
        )


def request_files(settings: Settings) -> Path:
    """Return the folder or file of the requests."""
    return settings.orchestration.pull_requests or settings.home / "requests"


def _keep_good_days(context: dg.AssetExecutionContext, by_day: dict[str, PullSummary]) -> None:
    """The days that are complete turn green although the run fails."""
    for key, summary in by_day.items():
        if not summary.failed:
            metadata = {"replies_landed": summary.landed, "answered_before": summary.landed_before}
            context.log_event(dg.AssetMaterialization(PULLED, partition=key, metadata=metadata))


def _request(settings: Settings, day: date, config: PullConfig, run_id: str) -> PullRequest:
    return PullRequest(
        files=(request_files(settings),),
        table=settings.orchestration.pull_table,
        days=(day,),
        partition=run_id if config.ask_anew else "",
        retry_errors=config.retry_errors,
    )


def _unanswered(summary: PullSummary, by_day: dict[str, PullSummary]) -> dg.Failure:
    """A day that is not complete must not be green; the command line gives exit code 1 for it."""
    reasons = ", ".join(f"{count:,} {why}" for why, count in sorted(summary.failures.items()))
    days = [key for key, one in by_day.items() if one.failed]
    which = "this day" if len(by_day) == 1 else ", ".join(days)
    return dg.Failure(
        description=f"{summary.failed:,} of {summary.planned:,} requests of {which} failed "
        f"({reasons}); the other replies are kept, so correct what was refused and run "
        f"{'the day' if len(days) == 1 else 'these days'} again: it asks only what is missing.",
        metadata=_numbers(summary),
        allow_retries=False,
    )


def _metadata(settings: Settings, summary: PullSummary) -> Metadata:
    return {
        **_numbers(summary),
        "requests_from": dg.MetadataValue.path(request_files(settings)),
        "replies_go_to": dg.MetadataValue.path(settings.incoming_path),
    }


def _numbers(summary: PullSummary) -> Metadata:
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
        "empty_replies": summary.empty,
        "replies_without_time": summary.without_time,
        "replies_under_query_event": summary.under_query_event,
        "replies_of_another_event_type": summary.unexpected,
        **{name: table for name, table in tables.items() if getattr(summary, name)},
    }
