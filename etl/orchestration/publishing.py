"""What analysts get: the published version, the reliability report."""

from collections.abc import Iterator

import dagster as dg

from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import (
    FINDINGS,
    POPULATION,
    PUBLISHED,
    PUBLISHING,
    WAREHOUSE_POOL,
    Graph,
    model_key,
)
from etl.orchestration.home import Home
from etl.orchestration.places import Place, duckdb_line, schema_place
from etl.pipeline.publish import publish
from etl.queries.figures import Figures
from etl.queries.verdicts import require_publishable
from etl.settings import Settings


def build_published_version(graph: Graph) -> dg.AssetsDefinition:
    """The version that analysts and BI tools read."""
    spec = graph.spec(
        PUBLISHED,
        "An immutable version for analysts and BI: Parquet per table and slice, a DuckDB file of "
        "views, `published/current` pointing at it. Made only when something changed; held back "
        "while the ledger does not add up or a data model has too many errors.",
        group=PUBLISHING,
        kinds={"parquet"},
        deps=[FINDINGS, POPULATION],
    )

    @dg.multi_asset(name=PUBLISHED.path[-1], specs=[spec], pool=WAREHOUSE_POOL)
    def published_version(
        context: dg.AssetExecutionContext, home: Home
    ) -> dg.MaterializeResult[None]:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            figures = require_publishable(settings)
            summary = publish(settings)
            for key, place in _places(graph, settings, figures):
                context.log_event(dg.AssetObservation(key, metadata=place))
            return dg.MaterializeResult(
                metadata={
                    "path": dg.MetadataValue.path(summary.folder),
                    "version": summary.version,
                    "is_new": summary.is_new,
                    "messages": figures.ledger.stored_messages,
                    "tables": summary.tables,
                    "dagster/row_count": summary.rows,
                    "bytes": summary.bytes,
                    "files_written": summary.files_written,
                    "files_shared": summary.files_shared,
                    "versions_removed": len(summary.removed),
                    "open_with_duckdb": duckdb_line(settings, "from core.message limit 10"),
                }
            )

    return published_version


def _places(
    graph: Graph, settings: Settings, figures: Figures
) -> Iterator[tuple[dg.AssetKey, Place]]:
    """Where what the version holds is now, for the pages of the assets that come before it."""
    for model in graph.all_models:
        if model.name in figures.models:
            yield model_key(model), schema_place(settings, model.schema, "message")
    yield FINDINGS, schema_place(settings, "quality", "finding")
    yield POPULATION, schema_place(settings, "quality", "field_population")
