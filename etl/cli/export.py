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
  redox-warehouse export study --deidentify safe-harbor --format csv
  redox-warehouse export two --table orders.message --table orders.orders_results

\b
Exit codes: 0 exported, 2 wrong call or nothing loaded, 4 busy, 5 disk full, 1 anything else.
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
    help="CSV holds values as received; import it as text, or a spreadsheet computes cells that begin with =.",
)
@click.option(
    "--deidentify",
    "mode",
    type=click.Choice(["safe-harbor", "limited", "shifted"]),
    help="Export de-identified marts, by these rules.",
)
@click.option(
    "--least-patients",
    type=click.IntRange(2),
    default=11,
    show_default=True,
    help="With --deidentify, leave out words that fewer patients have.",
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
    mode: str | None,
    least_patients: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Copy tables to DIR, with a README and a data dictionary.

    Copies the published version, or the warehouse when nothing is published yet. The files hold
    patient data and are readable by their owner only.

    With --deidentify, marts only (--table names some of them), without what identifies a person;
    docs/privacy.md says what each mode is and is not.
    """
    from etl.publish.export import ExportFormat
    from etl.queries.export import export as export_warehouse

    if mode:
        _deidentified(
            settings, folder, mode, tables, data_models, file_format, least_patients,
            overwrite=overwrite, as_json=as_json,
        )  # fmt: skip
        return
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


def _deidentified(
    settings: Settings,
    folder: Path,
    mode: str,
    tables: tuple[str, ...],
    data_models: tuple[str, ...],
    file_format: str,
    least_patients: int,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    from etl.errors import UsageFault
    from etl.publish.export import ExportFormat
    from etl.queries.deidentify.export import export_deidentified
    from etl.queries.deidentify.rules import Mode

    if data_models:
        raise UsageFault("Only marts can be de-identified; name marts with --table.")
    summary = export_deidentified(
        settings,
        folder,
        mode=Mode(mode),
        tables=tables,
        file_format=ExportFormat(file_format),
        least_patients=least_patients,
        overwrite=overwrite,
    )
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=1))
        return
    click.echo(
        f"Exported {counted(summary.tables, 'mart')}, {counted(summary.rows, 'row')} of "
        f"{summary.origin} to {summary.folder} by the rules of {mode}; "
        f"{counted(summary.dropped_columns, 'column')} left out"
    )
    click.echo(
        f"{counted(summary.small_cells, 'group')} of fewer than {least_patients} patients: see "
        "small_cells.csv; columns.csv lists what was done with each column."
    )
