"""`redox-warehouse purge`: remove a patient, a source, a period or a message everywhere."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import click

from etl.cli.opening import ID
from etl.cli.progress import progress_reporter
from etl.plurals import counted
from etl.settings import Settings

if TYPE_CHECKING:
    from etl.pipeline.purge.run import PurgeSummary

EPILOG = """\b
Examples:
  redox-warehouse purge --patient SOURCE:ID --dry-run
  redox-warehouse purge --patient SOURCE:ID --reason "request 4711"
  redox-warehouse purge --before 2019-01-01 --model Results
  redox-warehouse purge --resume

\b
Exit codes: 0 purged or nothing to purge, 2 wrong call, 4 busy, 5 disk full, 1 anything else.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--patient", "patients", multiple=True, metavar="SOURCE:ID",
    help="All messages of a patient, after merges; repeatable.",
)  # fmt: skip
@click.option("--source", "sources", multiple=True, help="Meta.Source.ID; repeatable.")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Messages before this day, UTC.")
@click.option("--message", "messages", type=ID, multiple=True, help="message_id; repeatable.")
@click.option("--model", "data_models", multiple=True, help="Only this data model; repeatable.")
@click.option("--reason", default="", help="Why. It is recorded, so do not put patient data in it.")
@click.option("--dry-run", is_flag=True, help="Count what would be removed; change nothing.")
@click.option("--resume", "is_resuming", is_flag=True, help="Only finish a purge that was killed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def purge(
    settings: Settings,
    patients: tuple[str, ...],
    sources: tuple[str, ...],
    before: datetime | None,
    messages: tuple[int, ...],
    data_models: tuple[str, ...],
    reason: str,
    dry_run: bool,
    is_resuming: bool,
    as_json: bool,
) -> None:
    """Remove messages from tables, landed bytes and versions.

    Different conditions must all be met; of a repeated one, any value matches. A message that
    names several patients is removed entirely. Sources that are read in place, backups, and
    copies you handed over are not changed. A purged message is refused if it is delivered
    again.
    """
    from etl.lake.homes import open_home
    from etl.pipeline.purge.request import PurgeRequest
    from etl.pipeline.purge.run import purge as pipeline
    from etl.pipeline.purge.run import resume

    request = PurgeRequest(
        patients=patients,
        sources=sources,
        messages=messages,
        before=before.date().isoformat() if before else "",
        data_models=data_models,
        reason=reason,
    )
    with progress_reporter(quiet=as_json) as progress, open_home(settings, progress) as loader:
        summary = resume(loader) if is_resuming else pipeline(loader, request, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(summary.to_json() if summary else None))
    elif summary is None:
        click.echo("No purge was left unfinished.")
    else:
        _show(summary)


def _show(summary: PurgeSummary) -> None:
    verb = "Would remove" if summary.is_dry_run else "Removed"
    removed = summary.removed
    if not (removed.messages or removed.quarantined or removed.objects):
        click.echo("No messages meet the conditions.")
    else:
        click.echo(
            f"{verb} {counted(removed.messages, 'message')}, "
            f"{counted(removed.duplicates, 'duplicate delivery', 'duplicate deliveries')} and "
            f"{counted(removed.quarantined, 'item')} in quarantine; "
            f"{removed.bytes:,} bytes in {counted(removed.objects, 'landed object')}"
        )
    for line in _notes(summary):
        click.echo(line)


def _notes(summary: PurgeSummary) -> list[str]:
    traces, versions = summary.traces, summary.versions
    facts = {
        f"{summary.with_others:,} of the messages name other patients too": summary.with_others,
        f"{summary.removed.in_place:,} items are in sources read in place, which are not "
        "changed: remove them there": summary.removed.in_place,
        f"{counted(summary.waiting, 'segment')} not loaded yet; a purge loads them first": (
            summary.waiting
        ),
        "A webhook or pull is still storing messages; what it stores from now on is not purged": (
            summary.receiving
        ),
        f"Version {versions.published} is published; removed "
        f"{', '.join(map(str, versions.removed))}": len(versions.removed),
        f"The Delta tables at {', '.join(summary.delta)} no longer hold it; purge what "
        "other platforms copied from them yourself": len(summary.delta),
        f"Removed {counted(traces.reports, 'report')}, {counted(traces.exports, 'export')}, "
        f"{counted(traces.batches, 'batch', 'batches')}, {counted(traces.file_names, 'file name')}": (
            traces.reports or traces.exports or traces.batches or traces.file_names
        ),
        f"{counted(traces.dagster, 'file')} of Dagster hold an identifier; report this and delete "
        "HOME/dagster": traces.dagster,
        f"Purge {summary.purge_id} is on record in core.purge. Purge backups and copies "
        "that were handed over yourself": summary.purge_id,
    }
    return [f"{line}." for line, is_so in facts.items() if is_so]
