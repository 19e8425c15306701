"""`redox-warehouse compact`: give back the room that deleted rows left in the warehouse's file."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from etl.plurals import counted
from etl.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def compact(settings: Settings, as_json: bool) -> None:
    """Shrink the warehouse file to the size of its data.

    Reloads and purges leave free space in the file. Later loads reuse it, but the disk does not
    get it back; `redox-warehouse doctor` reports how much there is. A new file is written
    beside the old one and replaces it in one step, so a kill at any moment leaves a complete
    file. Loads wait meanwhile; published versions stay readable. In a lake, small files are
    merged and earlier versions are dropped.

    \b
    Examples:
      redox-warehouse compact
      redox-warehouse compact --json
    """
    from etl.lake.driver import compact as pipeline

    summary = pipeline(settings)
    if as_json:
        click.echo(json.dumps(asdict(summary)))
        return
    before, after = summary.before_bytes / 1e6, summary.after_bytes / 1e6
    click.echo(f"The warehouse file is {after:,.1f} MB; it was {before:,.1f} MB.")
    if summary.before_files:
        files = counted(summary.after_files, "file")
        click.echo(f"The lake has {files}; it had {summary.before_files:,}.")
