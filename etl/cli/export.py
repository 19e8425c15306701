"""`redox-warehouse export`: a copy of tables to hand over."""

from __future__ import annotations

import json
from pathlib import Path

import click

from etl.cli.completion import MODEL
from etl.plurals import counted
from etl.settings import Settings

EPILOG = """\b
Examples:
  redox-warehouse export handover
  redox-warehouse export adt --model PatientAdmin --format csv
  redox-warehouse export two --table orders.message --table orders.orders_results

\b
Exit codes: 0 exported, 2 wrong call or nothing loaded, 4 busy, 5 disk full, 1 else.
"""


@click.command(epilog=EPILOG)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="SCHEMA.TABLE",
    help="Only this table or view; repeatable.",
)
@click.option(
    "--model",
    "data_models",
    multiple=True,
    type=MODEL,
    help="Only this data model's tables; repeatable.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier export in DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_obj
def export(
    settings: Settings,
    folder: Path,
    tables: tuple[str, ...],
    data_models: tuple[str, ...],
    file_format: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Copy tables to DIR, with a README and a data dictionary.

    Copies the published version, or the warehouse when nothing is published yet. The files hold
    patient data: they are for their owner only until you give them away.
    """
    from etl.answers.export import export as export_warehouse
    from etl.publish.export import ExportFormat

    summary = export_warehouse(
        settings,
        folder,
        tables=tables,
        data_models=data_models,
        file_format=ExportFormat(file_format),
        overwrite=overwrite,
    )
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=1))
        return
    click.echo(
        f"Exported {counted(summary.tables, 'table')}, {counted(summary.rows, 'row')}, "
        f"{summary.bytes / 1e6:,.1f} MB of {summary.origin} to {summary.folder}"
    )
