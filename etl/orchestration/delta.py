"""The published version as Delta tables; an asset of its own where the home has a target for them.

It waits for no load and no load waits for it: the version that it reads never changes.
"""

import dagster as dg

from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import PUBLISHED, PUBLISHING, Graph
from etl.orchestration.home import Home
from etl.pipeline.delta import register_delta
from etl.settings import Settings

DELTA = dg.AssetKey("delta_tables")


def has_delta(settings: Settings) -> bool:
    """True if every version is to be registered as Delta tables."""
    return bool(settings.delta.to)


def delta_selection(settings: Settings) -> dg.AssetSelection:
    """The asset of the Delta tables, nothing where there is no target."""
    return dg.AssetSelection.assets(*([DELTA] if has_delta(settings) else []))


def build_delta_tables(graph: Graph) -> dg.AssetsDefinition:
    """Register the current version at the target of the settings."""
    spec = graph.spec(
        DELTA,
        "Every table and mart of the published version as a Delta table over the same files. "
        "`published.version` maps each version to the commits of its tables.",
        group=PUBLISHING,
        kinds={"deltalake", "parquet"},
        deps=[PUBLISHED],
    )

    @dg.multi_asset(name=DELTA.path[-1], specs=[spec])
    def delta_tables(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult[None]:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            summary = register_delta(settings, settings.delta.to)
            return dg.MaterializeResult(
                metadata={
                    "path": dg.MetadataValue.path(summary.target),
                    "version": summary.version,
                    "is_new": summary.is_new,
                    "tables": summary.tables,
                    "tables_changed": summary.tables_changed,
                    "files_added": summary.files_added,
                    "files_removed": summary.files_removed,
                    "files_deleted": summary.files_deleted,
                }
            )

    return delta_tables
