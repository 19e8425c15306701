"""`redox-warehouse pull`: send queries to Redox. What it does lives in `etl.pipeline.pull`."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.errors import UsageFault
from etl.plurals import counted
from etl.settings import Settings, read_settings

if TYPE_CHECKING:
    from etl.pipeline.pull import PullPlan, PullSummary

EPILOG = """\b
Examples:
  redox-warehouse pull requests/booked.json --day 2026-01-01
  redox-warehouse pull requests/ --table patients.csv --dry-run
  redox-warehouse pull requests/census.json --since 2026-01-01 --until 2026-01-31

\b
Keys and secrets come from redox-warehouse.toml, the environment or files, never from the
command line. docs/pull.md describes requests and logging in.
Exit codes: 0 all answered, 1 some requests failed or Redox did not answer, 2 wrong call.
"""

DAY = click.DateTime(["%Y-%m-%d"])


@click.command(epilog=EPILOG)
@click.argument("requests", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    help="CSV whose columns fill {{column}} placeholders.",
)
@click.option("--day", type=DAY, help="The day for {{day}}, {{day_start}} and so on.")
@click.option("--since", type=DAY, help="First day of a range.")
@click.option("--until", type=DAY, help="Last day of a range, inclusive.")
@click.option("--partition", default="", help="A new name sends all requests again.")
@click.option(
    "--retry-errors", is_flag=True, help="Send requests again whose reply had Meta.Errors."
)
@click.option(
    "--parallel", type=click.IntRange(1, 256), help="Number of concurrent requests [pull.parallel]."
)
@click.option("--dry-run", is_flag=True, help="Print what would be sent; send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def pull(context: click.Context, /, **options: Any) -> None:
    """Send queries to Redox and keep the replies for the next load.

    REQUESTS are files (JSON or NDJSON) or folders of them; each request is one query of the Data
    Model API. Requests that were answered before are not sent again, so a stopped pull resumes
    where it stopped.
    """
    from etl.pipeline.pull import PullRequest, plan_pull  # costs time others need not spend
    from etl.pipeline.pull import pull as send_queries

    settings = _settings(context.obj, options["parallel"])
    request = PullRequest(
        files=options["requests"],
        table=options["table"],
        days=_days(options["day"], options["since"], options["until"]),
        partition=options["partition"],
        retry_errors=options["retry_errors"],
    )
    if options["dry_run"]:
        plan = plan_pull(settings, request)
        click.echo(json.dumps(plan.as_dict()) if options["as_json"] else _tell_plan(plan))
        return
    summary = send_queries(settings, request)
    click.echo(json.dumps(summary.as_dict()) if options["as_json"] else _tell_summary(summary))
    context.exit(1 if summary.failed else 0)


def _settings(given: Settings | None, parallel: int | None) -> Settings:
    settings = given or read_settings()
    if parallel is None:
        return settings
    section = settings.pull.model_copy(update={"parallel": parallel})
    return settings.model_copy(update={"pull": section})


def _days(day: datetime | None, since: datetime | None, until: datetime | None) -> tuple[date, ...]:
    from etl.pipeline.pull import list_days

    if day and (since or until):
        raise UsageFault("Both --day and a range were given; give one of them.")
    if (since is None) != (until is None):
        raise UsageFault("A range needs both ends; give --since and --until.")
    if since and until:
        return list_days(since.date(), until.date())
    return (day.date(),) if day else ()


def _tell_plan(plan: PullPlan) -> str:
    lines = [
        f"{counted(plan.to_ask, 'request')} to send. Of {counted(plan.planned, 'request')} "
        f"{plan.landed_before:,} were answered before."
    ]
    lines += [f"  {count:>8,} {query}" for query, count in sorted(plan.queries.items())]
    if plan.least_s:
        lines.append(f"The rate limit makes this take at least {plan.least_s / 60:,.0f} minutes.")
    return "\n".join(lines)


def _tell_summary(summary: PullSummary) -> str:
    lines = [
        f"{counted(summary.landed, 'reply', 'replies')} landed. "
        f"Of {counted(summary.planned, 'request')} "
        f"{summary.landed_before:,} were answered before and {summary.failed:,} failed."
    ]
    lines += [f"  {count:>8,} {reply}" for reply, count in sorted(summary.replies.items())]
    lines += [f"  {count:>8,} failed: {why}" for why, count in sorted(summary.failures.items())]
    if summary.with_errors:
        lines.append(
            f"{summary.with_errors} replies list errors (Meta.Errors); --retry-errors sends them again."
        )
    if summary.unexpected:
        lines.append(
            f"{summary.unexpected} replies have a different event type from what the catalog lists."
        )
    if summary.recovered:
        lines.append(
            f"{summary.recovered} replies of a pull that had been stopped were handed over."
        )
    if summary.failed:
        lines.append("Run it again to send what failed; answered requests are not sent again.")
    return "\n".join(lines)
