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
    """Make the warehouse's file as small as what it holds.

    Reloads and purges leave free room in the file, which later loads use again but the disk does
    not get back; `redox-warehouse doctor` says how much it is. The file is written once more beside
    the old one and takes its place in one step: killed at any moment, the old one is there. Loads
    wait, published versions are read on. Small files of a
    lake are merged, its earlier versions forgotten.

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
