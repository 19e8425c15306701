"""Every mart compiles in a warehouse of a single data model: what was never loaded has no rows."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest

from etl.pipeline.reader_catalog import plan_catalog
from etl.publish.relations import read_relations
from etl.publish.views import AnalystView, ReaderCatalog, create_macros, stand_in_select
from etl.settings import read_settings
from etl.warehouse.schema import Schema
from models.tables.plan import plan_tables
from tests.packaged import packaged_catalog

CATALOG = packaged_catalog()
PLAN = plan_tables(CATALOG)
TUVA = Path(__file__).parents[1] / "catalog" / "tuva_columns.csv"
LISTED = sorted(
    (
        (line["table"], line["column"], line["type"])
        for line in csv.DictReader(TUVA.open(encoding="utf-8"))
    ),
    key=lambda column: column[0],
)
QUICK = {"SSO", "PatientAdmin"}
MODELS = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
    for name in sorted(CATALOG.data_models)
]


@pytest.mark.parametrize("model", MODELS)
def test_all_marts_compile_where_one_data_model_was_loaded(model: str, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        Schema(CATALOG, PLAN).ensure(connection, [model])
        relations = read_relations(connection)
        catalog = plan_catalog(relations, read_settings(tmp_path / "home"), catalog_hash="")
        create_macros(connection, catalog.macros)
        for relation in catalog.stand_ins:
            connection.execute(f"create schema if not exists {relation.schema}")
            connection.execute(
                f"create table {relation.qualified_name} as {stand_in_select(relation)}"
            )
        made = [view.name for view in catalog.stored if _make(connection, catalog, view)]
        marts = {name for name in made if name.startswith("mart.")}
        assert len(marts) == 20 and "quality.mart_check" in made
        rows = [connection.execute(f"select count(*) from {name}").fetchall() for name in marts]
        assert rows == [[(0,)]] * len(marts)
        assert tuva_columns(connection, catalog) == LISTED


def tuva_columns(
    connection: duckdb.DuckDBPyConnection, catalog: ReaderCatalog
) -> list[tuple[str, str, str]]:
    """Table, name and type of every column of the tables of Tuva's input layer, in their order."""
    described = {
        view.name.removeprefix("tuva."): connection.execute(f"describe {view.select}").fetchall()
        for view in catalog.views
        if view.name.startswith("tuva.")
    }
    columns = [(table, row[0], row[1].lower()) for table in described for row in described[table]]
    return sorted(columns, key=lambda column: column[0])


def _make(connection: duckdb.DuckDBPyConnection, catalog: ReaderCatalog, view: AnalystView) -> bool:
    """Compute a stored view into a table, after the views that it reads."""
    views = {one.name: one for one in catalog.views}
    there = {
        name
        for (name,) in connection.execute(
            "select distinct schema_name || '.' || table_name from duckdb_columns() "
            "where not internal"
        ).fetchall()
    }
    for name in sorted(view.reads - there):
        if name in views:
            _make(connection, catalog, views[name])
    kind = "table" if view.is_stored else "view"
    connection.execute(f"create schema if not exists {view.name.partition('.')[0]}")
    connection.execute(f"create {kind} {view.name} as {view.select}")
    return True
