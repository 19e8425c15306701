"""`redox-warehouse publish`: an immutable version for analysts and BI tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from etl.plurals import counted
from etl.settings import Settings

if TYPE_CHECKING:
    from etl.pipeline.delta import DeltaSummary
    from etl.pipeline.publish import PublishSummary

EPILOG = """\b
Examples:
  redox-warehouse publish
  redox-warehouse publish --materialize
  redox-warehouse publish --keep 1 --json
  redox-warehouse publish --to delta /lake/redox

\b
See docs/published.md for reading it with pandas, polars, Spark, SQLAlchemy, Power BI, Tableau.
Exit codes: 0 published or unchanged, 2 nothing was loaded, 4 busy, 5 disk full, 1 anything else.
"""


@click.command(epilog=EPILOG)
@click.option("--materialize", is_flag=True, help="Also create one self-contained DuckDB file.")
@click.option(
    "--keep", type=click.IntRange(1), help="Number of versions to keep [publish.keep_versions]."
)
@click.option(
    "--to",
    type=(click.Choice(["delta"]), str),
    metavar="delta DIR|URL",
    help="Also register the version as Delta tables there [delta.to].",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_obj
def publish(
    settings: Settings,
    materialize: bool,
    keep: int | None,
    to: tuple[str, str] | None,
    as_json: bool,
) -> None:
    """Publish a version for analysts: Parquet files and views.

    A version never changes. Files of slices that did not change are shared with the previous
    version. If nothing changed, no version is created. Readers of older versions are not
    disturbed.

    With --to delta every table is registered as a Delta table over the same files. --keep 1
    then also deletes files that no Delta table uses any more.
    """
    from etl.pipeline.publish import publish as publish_warehouse

    summary = publish_warehouse(settings, materialize=materialize, keep_versions=keep)
    target = to[1] if to else settings.delta.to
    delta = _register(settings, target, keep) if target else None
    if as_json:
        click.echo(json.dumps(_as_json(summary, delta), indent=1))
        return
    click.echo(_tell(summary, settings))
    if delta:
        click.echo(_format_delta(delta))


def _register(settings: Settings, target: str, keep: int | None) -> DeltaSummary:
    from etl.pipeline.delta import register_delta

    return register_delta(settings, target, keep_hours=0 if keep == 1 else None)


def _as_json(summary: PublishSummary, delta: DeltaSummary | None) -> dict[str, Any]:
    content = summary.to_json()
    return {**content, "delta": delta.to_json()} if delta else content


def _format_delta(delta: DeltaSummary) -> str:
    if not delta.tables_changed:
        return f"The Delta tables at {delta.target} already hold version {delta.version}."
    return (
        f"Registered version {delta.version} at {delta.target}: {delta.tables_changed:,} of "
        f"{counted(delta.tables, 'Delta table')} changed ({counted(delta.files_added, 'file')} "
        f"added, {delta.files_removed:,} removed, {delta.files_deleted:,} old ones deleted)."
    )


def _tell(summary: PublishSummary, settings: Settings) -> str:
    if summary.is_new:
        lines = [
            f"Published version {summary.version}: {counted(summary.tables, 'table')}, "
            f"{counted(summary.rows, 'row')}, {summary.bytes / 1e6:,.1f} MB "
            f"({counted(summary.files_written, 'file')} written, "
            f"{summary.files_shared:,} shared with the previous version)."
        ]
    else:
        lines = [f"Nothing changed since version {summary.version}; no version was created."]
    lines.append(f"Read it at {settings.published_path / 'current' / 'warehouse.duckdb'}")
    if summary.materialized:
        lines.append(f"Self-contained: {summary.materialized}")
    if summary.removed:
        lines.append(f"Versions removed: {', '.join(map(str, summary.removed))}")
    return "\n".join(lines)
