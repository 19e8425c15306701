"""`redox-warehouse migrate`: bring a home of an earlier version up to this one."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from etl.cli.opening import open_loader
from etl.cli.progress import progress_reporter
from etl.plurals import counted
from etl.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def migrate(settings: Settings, as_json: bool) -> None:
    """Upgrade a home from an earlier version to this one.

    Computes the content hash of every loaded message again, from its landed bytes, so that
    redeliveries are recognized. Loads wait meanwhile; the receiver keeps running. If it is
    killed, run it again: it resumes. Messages whose bytes no longer exist are counted; a
    redelivery of one of them would be loaded again.

    \b
    Example:
      redox-warehouse migrate
    """
    from etl.pipeline.migrate import migrate as pipeline

    with progress_reporter(quiet=as_json) as progress, open_loader(settings, progress) as loader:
        summary = pipeline(loader)
    if as_json:
        click.echo(json.dumps(asdict(summary)))
    elif not summary.is_needed:
        click.echo("Nothing to migrate: this home has the format of this version.")
    else:
        click.echo(f"Migrated: {counted(summary.messages, 'message')} hashed.")
        if summary.without_bytes:
            click.echo(
                f"{counted(summary.without_bytes, 'message')} without landed bytes have no hash; "
                f"objects: {', '.join(name[:12] for name in summary.objects)}"
            )
