"""`redox-warehouse source`: which file an id stands for."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from etl.cli.tables import Column, escaped, is_terminal, print_table
from etl.settings import Settings

COLUMNS = (
    Column("uri", title="source", show=escaped),
    Column("state", rank=1),
    Column("object_id", rank=2, title="object", show=lambda object_id: str(object_id)[:12]),
)


@click.command()
@click.argument("printed_id", metavar="ID")
@click.argument("paths", nargs=-1)
@click.option("--values", is_flag=True, help="Print names even when output is piped.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --values only.")
@click.pass_obj
def source(
    settings: Settings, printed_id: str, paths: tuple[str, ...], values: bool, as_json: bool
) -> None:
    """Print which file or object the ID of a source stands for.

    Messages, reports and Dagster name a source by an id, because names of files may hold
    patients' names: "source 1a2b3c4d5e6f", or the id of a landed object. Sources that were
    loaded, were refused or wait in the watched paths are found without PATHS; for files that
    were left out, name the PATHS that you loaded.

    \b
    Examples:
      redox-warehouse source 1a2b3c4d5e6f
      redox-warehouse source 1a2b3c4d5e6f exports/
    """
    from etl.pipeline.source_names import find_sources

    if not values and (as_json or not is_terminal()):
        raise click.UsageError("Names may hold patient data; print them with --values.")
    found = [asdict(one) for one in find_sources(settings, printed_id, paths)]
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    print_table(found, COLUMNS)
