"""`redox-warehouse spark-load`: many messages into a lake, by the executors of a cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from etl.cli.clusters import cluster_options, open_cluster
from etl.cli.load import QUARANTINED, REFUSED, LeftOutNames, report_refused, summary_line
from etl.cli.progress import progress_reporter
from etl.cli.recipes import recipe_options, recipe_text
from etl.settings import Settings

if TYPE_CHECKING:
    from etl.pipeline.batches import BatchSummary

EPILOG = """\b
Examples:
  redox-warehouse spark-load --master 'local[4]' archive/2019/
  redox-warehouse spark-load --master spark://10.0.0.5:7077 'archive/*.ndjson.gz'
  redox-warehouse spark-load --master yarn --conf spark.executor.memory=6g archive/

\b
Needs the extra `spark` and Java 17 here, and on executors what requirements-executors.txt names.
See docs/scale.md. Exit codes are those of `redox-warehouse load`.
"""


@click.command(epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True)
@cluster_options
@recipe_options
@click.option("--pipes", is_flag=True, hidden=True, help="Report to Dagster, which started this.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_obj
def spark_load(
    settings: Settings,
    paths: tuple[str, ...],
    master: str | None,
    remote: str | None,
    confs: tuple[str, ...],
    unwrap: str,
    encoding: str,
    column: str,
    received_at: str,
    pipes: bool,
    as_json: bool,
) -> int:
    """Load messages with Spark into a lake home.

    For archives that are too large for one machine: executors read and check the messages as
    `load` does and write the same tables, with the same ids, as Parquet files. PATHS are those
    of `load`; bytes are landed from this machine. Running it twice changes nothing.

    The home is a folder that this machine and all executors reach under the same path. `load`,
    Dagster, `publish`, marts, reports and `publish --to delta` work as in any other home.
    """
    from etl.lake.driver import load_lake
    from etl.pipeline.sources import Sources

    recipe = recipe_text(unwrap, encoding, column, received_at)
    sources = Sources(settings.buckets, home=settings.home)
    listed = list(sources.list(paths))  # faults of the call show before a cluster is asked
    with (
        open_cluster(master or settings.lake.master, remote, confs) as spark,
        progress_reporter(quiet=as_json) as progress,
    ):
        batch = load_lake(settings, spark, listed, unwrap=recipe, progress=progress)
    names = LeftOutNames(sources.left_out, are_shown=False)
    if as_json:
        click.echo(json.dumps(_as_json(batch, names, settings), indent=1))
    else:
        click.echo(summary_line(batch.loaded))
    names.report()
    report_refused(batch.refused)
    if pipes:
        _report_to_dagster(batch, settings)
        return 0
    if batch.refused or names.has_trouble():
        return REFUSED
    return QUARANTINED if batch.loaded.quarantined else 0


def _as_json(batch: BatchSummary, names: LeftOutNames, settings: Settings) -> dict[str, Any]:
    from dataclasses import asdict

    from etl.warehouse.lake import LakeFolder

    return batch.loaded.to_json() | {
        "refused": [asdict(one) for one in batch.refused],
        "left_out": names.counts(),
        "version": LakeFolder(settings.home).newest(),
    }


def _report_to_dagster(batch: BatchSummary, settings: Settings) -> None:
    """Counts as metadata of the asset, nothing else; the run fails by an error only."""
    from dagster_pipes import open_dagster_pipes

    from etl.warehouse.lake import LakeFolder

    loaded = batch.loaded
    with open_dagster_pipes() as pipes:
        pipes.report_asset_materialization(
            metadata={
                "version": LakeFolder(settings.home).newest(),
                "received": loaded.received,
                "loaded": loaded.loaded,
                "duplicate": loaded.duplicate,
                "quarantined": loaded.quarantined,
                "loaded_the_exact_way": loaded.exact,
                "objects": loaded.objects,
                "refused": len(batch.refused),
                "dagster/partition_row_count": sum(loaded.rows.values()),
            }
        )
