"""`redox-warehouse reload`: rows again from landed bytes."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from etl.cli.clusters import cluster_of_home, cluster_options
from etl.cli.completion import MODEL
from etl.cli.progress import progress_reporter
from etl.plurals import counted
from etl.settings import Settings
from models.tables.plan import SLICE_BITS

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option(
    "--model", "data_models", multiple=True, type=MODEL, help="Data model, as in Meta.DataModel."
)
@click.option("--source", "sources", multiple=True, help="Meta.Source.ID.")
@click.option("--since", type=DAY, help="First day, UTC.")
@click.option("--until", type=DAY, help="The day after the last day, UTC.")
@click.option(
    "--slice", "slices", type=int, multiple=True, help=f"Slice: message_id >> {SLICE_BITS}."
)
@click.option(
    "--rebuild-tables", is_flag=True, help="First change column types; reloads everything."
)
@cluster_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def reload(
    settings: Settings,
    data_models: tuple[str, ...],
    sources: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    slices: tuple[int, ...],
    rebuild_tables: bool,
    master: str | None,
    remote: str | None,
    confs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Build rows, findings and counts again from landed bytes.

    Needed after the catalog gained fields (`drift --write`), and with --rebuild-tables after the
    type of a field changed. Every slice that holds a selected message is replaced in one
    transaction; message ids stay. Without options, everything is reloaded.

    In a lake, each slice becomes one version. The work is done in this process, or by a cluster
    if --master, --remote or lake.master names one.

    \b
    Examples:
      redox-warehouse reload
      redox-warehouse reload --model PatientAdmin --since 2026-01-01
    """
    from etl.lake.homes import open_home
    from etl.pipeline import reload as pipeline

    selection = pipeline.Selection(
        data_models,
        sources,
        since.date().isoformat() if since else "",
        until.date().isoformat() if until else "",
        slices,
    )
    with (
        cluster_of_home(settings, master, remote, confs) as spark,
        progress_reporter(quiet=as_json) as progress,
        open_home(settings, progress, spark=spark) as loader,
    ):
        if rebuild_tables:
            summary = pipeline.rebuild_tables(loader)
        else:
            summary = pipeline.reload_slices(loader, selection)
    if as_json:
        click.echo(json.dumps(asdict(summary)))
    else:
        messages = counted(summary.messages, "message")
        click.echo(f"reloaded {messages} in {counted(summary.slices, 'slice')}")
