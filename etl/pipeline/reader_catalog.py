"""The catalog that readers see: the warehouse's tables and the views of sql/.

The published views, the self-contained file and the direct look into the warehouse are all made of
it, so that a reader finds the same names and types in each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version

import duckdb

from etl.publish.relations import Relation, read_relations
from etl.publish.views import AnalystView, ReaderCatalog, fill_catalog
from etl.report.conformed import create_conformed_views
from etl.report.views import read_views, sql_folder
from etl.settings import Settings
from etl.warehouse.schema import Schema
from models.catalog import read_catalog
from models.tables.plan import plan_tables


def plan_catalog(
    tables: Mapping[str, Relation], settings: Settings, *, catalog_hash: str
) -> ReaderCatalog:
    """The catalog over these tables; what views read besides them stands in it without rows."""
    views = _analyst_views()
    known = tables.keys() | {view.name for view in views}
    missing = {name for view in views for name in view.reads} - known
    origin = (version("redox-warehouse"), catalog_hash)
    return ReaderCatalog(tables, tuple(_planned(missing, settings)), views, origin)


def fill(
    connection: duckdb.DuckDBPyConnection,
    catalog: ReaderCatalog,
    select: Callable[[Relation], str],
    *,
    kind: str = "view",
) -> None:
    """Create everything that readers find, the conformed views of value sets included."""
    fill_catalog(connection, catalog, select, kind=kind)
    create_conformed_views(connection)


def _analyst_views() -> tuple[AnalystView, ...]:
    """Every view of sql/<schema>/<view>.sql."""
    schemas = sorted(path.name for path in sql_folder().iterdir() if path.is_dir())
    return tuple(
        AnalystView(view.name, view.select, view.reads)
        for schema in schemas
        for view in read_views(schema)
    )


def _planned(names: set[str], settings: Settings) -> list[Relation]:
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
