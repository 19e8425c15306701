"""Names of schemas, tables and columns: plain, short enough, distinct, and explained."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest
from sqlalchemy import MetaData

from etl.report.conformed import COLUMN_SUFFIX, VIEW_SUFFIX
from models.catalog import Catalog
from models.catalog.records import ValueSetKind
from models.compile.ddl import compile_metadata, compile_model_metadata
from models.tables.naming import MAX_IDENTIFIER, snake_case
from models.tables.plan import WarehousePlan

PLAIN = re.compile(r"[a-z][a-z0-9_]*")


@pytest.fixture(scope="module")
def metadata(catalog: Catalog, plan: WarehousePlan) -> MetaData:
    compiled = MetaData()
    compile_metadata(catalog, plan, compiled)
    for data_model in catalog.data_models:
        compile_model_metadata(catalog, plan, data_model, compiled)
    return compiled


def names_of(metadata: MetaData) -> Iterator[str]:
    for table in metadata.tables.values():
        yield from (str(table.schema), table.name, *table.columns.keys())


def test_no_name_needs_quotes(metadata: MetaData) -> None:
    query = "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
    keywords = {row[0] for row in duckdb.sql(query).fetchall()}
    names = set(names_of(metadata))
    assert {name for name in names if name in keywords or not PLAIN.fullmatch(name)} == set()


def test_no_name_is_longer_than_drivers_allow(metadata: MetaData) -> None:
    assert {name for name in names_of(metadata) if len(name) > MAX_IDENTIFIER} == set()


def test_names_of_conformed_views_fit_too(catalog: Catalog, plan: WarehousePlan) -> None:
    for table in plan.tables():
        for column in table.columns:
            value_set = catalog.value_sets.get(column.field.value_set)
            if value_set is not None and value_set.kind is ValueSetKind.CLOSED:
                assert len(table.name + VIEW_SUFFIX) <= MAX_IDENTIFIER
                name = column.name + COLUMN_SUFFIX
                assert len(name) <= MAX_IDENTIFIER
                assert name not in {other.name for other in table.columns}


def test_every_table_and_column_has_a_comment(metadata: MetaData) -> None:
    for table in metadata.tables.values():
        assert table.comment, table.name
        assert [column.name for column in table.columns if not column.comment] == [], table.name


def test_every_table_has_a_key_that_is_never_null(metadata: MetaData) -> None:
    without_key = {
        str(table)
        for table in metadata.tables.values()
        if not any(column.info.get("key") for column in table.columns)
    }
    assert without_key == set()
    for table in metadata.tables.values():
        keys = [column for column in table.columns if column.info.get("key")]
        assert not any(column.nullable for column in keys), table.name


def test_no_two_columns_or_tables_share_a_name(
    catalog: Catalog, plan: WarehousePlan, metadata: MetaData
) -> None:
    tables = Counter(table.qualified_name for table in plan.tables())
    assert {name for name, count in tables.items() if count > 1} == set()
    for table in plan.tables():
        compiled = metadata.tables[table.qualified_name]
        columns = [*table.key, *(column.name for column in table.columns)]
        assert len(set(columns)) == len(columns), table.name
        assert set(columns) <= set(compiled.columns.keys()), table.name
    schemas = [model.schema for model in catalog.data_models.values()]
    assert len({*schemas, "core", "quality"}) == len(schemas) + 2


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("DocumentIDs", "document_ids"),
        ("EHRID", "ehr_id"),
        ("NPI", "npi"),
        ("DOB", "dob"),
        ("AltCodes", "alt_codes"),
        ("VisitDateTime", "visit_date_time"),
        ("IsPCP", "is_pcp"),
        ("URL", "url"),
    ],
)
def test_acronyms_stay_whole(key: str, name: str) -> None:
    assert snake_case(key) == name
