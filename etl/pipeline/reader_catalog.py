"""The catalog that readers see: the warehouse's tables, the marts, the views of sql/.

The published version, the self-contained file and the direct look into the warehouse are all made
of it, so that a reader finds the same names and types in each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version

import duckdb

from etl.duckdb_files import planned_simply
from etl.marts.checks import MART_SCHEMA, MartCheck, mart_checks
from etl.marts.compiled import compile_views
from etl.marts.header import Header, read_header
from etl.marts.site import read_site
from etl.pipeline.catalog_cache import site_plan
from etl.publish.relations import INSTANT, MESSAGE_ID, Column, Relation
from etl.publish.views import AnalystView, Macro, ReaderCatalog, fill_catalog
from etl.report.conformed import create_conformed_views
from etl.report.views import read_macros, read_views, sql_folder
from etl.settings import Settings
from models.compile.ddl import leading_columns
from models.tables.plan import Table, WarehousePlan

MACRO_FOLDER = "macro"


def plan_catalog(
    tables: Mapping[str, Relation],
    settings: Settings,
    *,
    catalog_hash: str,
) -> ReaderCatalog:
    """The catalog over these tables; what views read besides them is in it without rows."""
    catalog, plan = site_plan(settings)
    files = [view for view in _files() if view.name not in tables]
    site = read_site(settings.home, settings.marts)
    compiled = compile_views(
        catalog, plan, frozenset(tables), site, {view.name: view.select for view in files}
    )
    views = (
        *files,
        *(_view(view.name, view.select) for view in compiled if view.name not in tables),
    )
    missing = {name for view in views for name in view.reads} - tables.keys()
    missing -= {view.name for view in views}
    origin = (version("redox-warehouse"), catalog_hash)
    stand_ins = tuple(_planned(missing, plan))
    return ReaderCatalog(tables, stand_ins, views, origin, _macros(settings))


def fill(
    connection: duckdb.DuckDBPyConnection,
    catalog: ReaderCatalog,
    select: Callable[[Relation], str],
    *,
    kind: str = "view",
) -> None:
    """Create everything that readers find, the conformed views of value sets included."""
    with planned_simply(connection):
        fill_catalog(connection, catalog, select, kind=kind)
        create_conformed_views(connection)


def mart_headers() -> dict[str, Header]:
    """What the header of each mart says, by qualified name, each after those it reads."""
    views = {view.name: view for view in read_views(MART_SCHEMA)}
    return {name: read_header(view.select) for name, view in views.items()}


def site_mart_checks(settings: Settings) -> tuple[MartCheck, ...]:
    """The tests of all marts, with the severities that the site gives them."""
    texts = {view.name: view.select for view in read_views(MART_SCHEMA)}
    return mart_checks(texts, settings.marts.checks)


def _files() -> Iterator[AnalystView]:
    """Every view of sql/<schema>/<view>.sql."""
    for schema in sorted(path.name for path in sql_folder().iterdir() if path.is_dir()):
        if schema != MACRO_FOLDER:
            yield from (_view(view.name, view.select) for view in read_views(schema))


def _view(name: str, select: str) -> AnalystView:
    header = read_header(select)
    return AnalystView(
        name,
        select,
        header.reads,
        comment=header.comment,
        columns=header.columns,
        key=header.key,
        is_stored=header.is_stored,
    )


def _macros(settings: Settings) -> tuple[Macro, ...]:
    """The macros of sql/macro; a site's file of the same name in HOME/macro wins."""
    macros = read_macros(sql_folder() / MACRO_FOLDER, settings.home / MACRO_FOLDER)
    return tuple(Macro(f"core.{one.name}", one.arguments, one.expression) for one in macros)


def _planned(names: set[str], plan: WarehousePlan) -> Iterator[Relation]:
    """Those of the tables that the catalog plans although the warehouse does not have them."""
    for table in sorted(plan.tables(), key=lambda table: table.qualified_name):
        if table.qualified_name in names:
            yield _relation(table)


def _relation(table: Table) -> Relation:
    typed = [
        *((name, "BIGINT" if name == MESSAGE_ID else "INTEGER") for name in table.key),
        *leading_columns(table),
        *((column.name, column.storage.sql_type) for column in table.columns),
    ]
    columns = (
        Column(name, INSTANT if kind == "TIMESTAMPTZ" else kind, "", name in table.key)
        for name, kind in typed
    )
    return Relation(table.schema, table.name, "", tuple(columns))
