"""`redox-warehouse retain`: remove what is older than the site keeps it."""

from __future__ import annotations

import json

import click

from etl.cli.progress import progress_reporter
from etl.plurals import counted
from etl.settings import Settings


@click.command()
@click.option("--apply", "is_applied", is_flag=True, help="Remove it, instead of only counting it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def retain(settings: Settings, is_applied: bool, as_json: bool) -> None:
    """Count what is past its retention period; --apply removes it.

    The `retention` section of the settings says how long each kind of data is kept.

    Messages and items in quarantine are removed as `purge` removes them. The schedule of Dagster does
    the same: it only counts unless retention.apply is set.

    \b
    Examples:
      redox-warehouse retain
      redox-warehouse retain --apply
    """
    from etl.lake.homes import open_home
    from etl.pipeline.retention import retain as pipeline

    with progress_reporter(quiet=as_json) as progress, open_home(settings, progress) as loader:
        summary = pipeline(loader, apply=is_applied)
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=1))
        return
    for source_id, data_model, day in summary.rules:
        click.echo(f"{data_model} of {source_id or 'no source'}: kept from {day} on")
    removed = summary.removed
    click.echo(
        f"{'Removed' if is_applied else 'Would remove'} {counted(removed.messages, 'message')}, "
        f"{counted(removed.quarantined, 'item')} in quarantine, "
        f"{counted(len(summary.versions), 'published version')}, "
        f"{counted(summary.reports, 'report')}"
    )
    if not is_applied and (removed.messages or removed.quarantined or summary.versions):
        click.echo("Nothing was removed; run again with --apply.")
