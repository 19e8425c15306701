"""The catalog that readers see, on any DuckDB connection: the warehouse's tables and sql/'s views.

The published views, the self-contained file and the direct look into the warehouse are all filled
here, so that a reader finds the same names and types in each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb

from etl.publish.relations import Relation, read_relations
from etl.publish.views import (
    AnalystView,
    create_analyst_views,
    create_stand_ins,
    create_tables,
)
from etl.report.views import read_views, sql_folder
from etl.settings import Settings
from etl.warehouse.schema import Schema
from models.catalog import read_catalog
from models.tables.plan import plan_tables


def analyst_views() -> tuple[AnalystView, ...]:
    """Every view of sql/<schema>/<view>.sql."""
    schemas = sorted(path.name for path in sql_folder().iterdir() if path.is_dir())
    return tuple(
        AnalystView(view.name, view.select, view.reads)
        for schema in schemas
        for view in read_views(schema)
    )


def fill_catalog(
    connection: duckdb.DuckDBPyConnection,
    relations: Mapping[str, Relation],
    select: Callable[[Relation], str],
    *,
    settings: Settings,
    kind: str = "view",
) -> None:
    """Create a view (or table) per relation, then the analysts' views over them."""
    create_tables(connection, relations.values(), select, kind=kind)
    views = analyst_views()
    known = relations.keys() | {view.name for view in views}
    create_stand_ins(connection, _not_loaded(_missing(views, known), settings))
    create_analyst_views(connection, views)


def _missing(views: tuple[AnalystView, ...], known: set[str]) -> set[str]:
    return {name for view in views for name in view.reads} - known


def _not_loaded(names: set[str], settings: Settings) -> list[Relation]:
    """Those of the tables that the catalog plans although the warehouse does not have them."""
    if not names:
        return []
    catalog = read_catalog(settings.catalog_path)
    schemas = {name.partition(".")[0] for name in names}
    models = [name for name, model in catalog.data_models.items() if model.schema in schemas]
    with duckdb.connect() as connection:
        Schema(catalog, plan_tables(catalog)).ensure(connection, models)
        planned = read_relations(connection)
    return [planned[name] for name in sorted(names & planned.keys())]
