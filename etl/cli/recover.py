"""`redox-warehouse recover`: continue after a part of the home was lost or put back."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from etl.cli.opening import open_loader
from etl.cli.progress import progress_reporter
from etl.plurals import counted
from etl.settings import Settings


@click.command()
@click.option("--unwrap", default="", help="Envelope key of objects that were loaded with one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def recover(settings: Settings, unwrap: str, as_json: bool) -> None:
    """Resume after part of the home was lost or restored.

    Numbering continues above the highest id that the warehouse, the landing, status.json or a
    published version records, and every landed object that the ledger does not list is loaded.
    Nothing is loaded twice and no id is reused. If a newer warehouse file still exists
    somewhere, restore that instead: messages that only it had loaded get different ids here.

    \b
    Examples:
      redox-warehouse recover
      redox-warehouse recover --unwrap payload
    """
    from etl.pipeline.recover import recover as pipeline

    with progress_reporter(quiet=as_json) as progress, open_loader(settings, progress) as loader:
        summary = pipeline(loader, unwrap=unwrap)
    if as_json:
        click.echo(json.dumps(asdict(summary)))
        return
    if summary.is_needed:
        click.echo(
            f"Recovered: new loads are numbered from {summary.first_load_id:,}, "
            f"new messages from {summary.first_message_id:,}."
        )
    else:
        click.echo("All parts of the home match; nothing had to be recovered.")
    loaded = summary.loaded
    click.echo(
        f"Loaded from landed objects that were not loaded yet: {summary.objects:,}; messages "
        f"{loaded.loaded:,} loaded, {loaded.duplicate:,} duplicate, {loaded.quarantined:,} quarantined"
    )
    if summary.unreachable:
        told = counted(summary.unreachable, "landed object")
        click.echo(f"{told} kept in place cannot be read; put the sources back and run this again.")
