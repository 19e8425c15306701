"""`redox-warehouse publish`: an immutable version for analysts and BI tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from etl.plurals import counted
from etl.settings import Settings

if TYPE_CHECKING:
    from etl.pipeline.publish import PublishSummary

EPILOG = """\b
Examples:
  redox-warehouse publish
  redox-warehouse publish --materialize
  redox-warehouse publish --keep 1 --json

\b
See docs/published.md for reading it with pandas, polars, Spark, SQLAlchemy, Power BI, Tableau.
Exit codes: 0 published or unchanged, 2 nothing was loaded, 4 busy, 5 disk full, 1 other.
"""


@click.command(epilog=EPILOG)
@click.option("--materialize", is_flag=True, help="Also make one self-contained DuckDB file.")
@click.option(
    "--keep", type=click.IntRange(1), help="Versions to keep [publish.keep_versions]; 1 = no older."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_obj
def publish(settings: Settings, materialize: bool, keep: int | None, as_json: bool) -> None:
    """Publish a version for analysts: Parquet files and views.

    A version never changes. Files of slices that did not change are shared with the version before.
    When nothing changed, no version is made. Readers of older versions are not disturbed.
    """
    from etl.pipeline.publish import publish as publish_warehouse

    summary = publish_warehouse(settings, materialize=materialize, keep_versions=keep)
    click.echo(json.dumps(summary.to_json(), indent=1) if as_json else _tell(summary, settings))


def _tell(summary: PublishSummary, settings: Settings) -> str:
    if summary.is_new:
        lines = [
            f"Published version {summary.version}: {counted(summary.tables, 'table')}, "
            f"{counted(summary.rows, 'row')}, {summary.bytes / 1e6:,.1f} MB "
            f"({counted(summary.files_written, 'file')} written, "
            f"{summary.files_shared:,} shared with the version before)."
        ]
    else:
        lines = [f"Nothing changed since version {summary.version}; no new one was made."]
    lines.append(f"Read it at {settings.published_path / 'current' / 'warehouse.duckdb'}")
    if summary.materialized:
        lines.append(f"Self-contained: {summary.materialized}")
    if summary.removed:
        lines.append(f"Versions removed: {', '.join(map(str, summary.removed))}")
    return "\n".join(lines)
