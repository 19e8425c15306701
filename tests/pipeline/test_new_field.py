"""A new field is one line in a CSV and nothing else; keys are unique in what is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from etl.pipeline.load import load_paths
from etl.pipeline.publish import publish
from etl.queries.reading import open_for_reading
from etl.settings import Settings, read_settings
from etl.synth import Dials, write_synthetic
from etl.synth.dials import FAULTS, Shares
from etl.warehouse.connection import open_warehouse
from etl.warehouse.rebuild import rebuild_message
from models.catalog import Catalog, read_catalog
from models.tables.fixed import FIXED
from models.tables.plan import WarehousePlan, plan_tables

HEADER = (
    "data_model,path,json_type,item_type,number_kind,temporal,value_set,value_set_confidence,"
    "sensitivity,sql_name,event_types,volatile,source,note\n"
)
LINES = (
    "PatientAdmin,Visit.Pager,string,,,,Sex,documented,phone,,*,,site,\n"
    "PatientAdmin,Visit.Beds[],array,object,,,,,,,*,,site,\n"
    "PatientAdmin,Visit.Beds[].Since,string,,,date,,,date,,*,,site,\n"
)
MEANINGS = """data_model,path,meaning
PatientAdmin,Visit.Pager,pager of {parent}
PatientAdmin,Visit.VisitNumber,contact serial number
"""
VISIT = {"Pager": "M", "Beds": [{"Since": "2026-01-05"}, {"Since": "2026-01-06"}]}


def write_message(path: Path, log_id: str) -> Path:
    meta = {"DataModel": "PatientAdmin", "EventType": "Arrival", "Logs": [{"ID": log_id}]}
    path.write_text(json.dumps({"Meta": meta, "Visit": VISIT}), "utf-8")
    return path


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose warehouse is older than the new lines."""
    folder = tmp_path_factory.mktemp("field")
    settings = read_settings(folder / "home")
    load_paths(settings, [str(write_message(folder / "before.json", "1"))])
    settings.catalog_path.mkdir()
    (settings.catalog_path / "fields.csv").write_text(HEADER + LINES, "utf-8")
    (settings.catalog_path / "meanings.csv").write_text(MEANINGS, "utf-8")
    load_paths(settings, [str(write_message(folder / "after.json", "2"))])
    publish(settings)
    return settings


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_the_next_load_fills_its_column_and_table(settings: Settings) -> None:
    pagers = ask(settings, "select visit_pager from patient_admin.message order by message_id")
    assert pagers == [(None,), ("M",)]
    beds = "select beds_ordinal, cast(since as varchar) from patient_admin.visit_beds order by all"
    assert ask(settings, beds) == [(1, "2026-01-05"), (2, "2026-01-06")]


def test_its_comment_dictionary_and_counts_follow(settings: Settings) -> None:
    comment = (
        "select comment from duckdb_columns() where table_name = 'message' "
        "and schema_name = 'patient_admin' and column_name = 'visit_{}'"
    )
    assert ask(settings, comment.format("pager")) == [
        ("Pager of the visit; Visit.Pager; value set Sex (supported values); sensitivity phone",)
    ]
    ((other,),) = ask(settings, comment.format("visit_number"))
    assert other.startswith("Contact serial number; Visit.VisitNumber")
    listed = (
        "select path, table_name, column_name, temporal from quality.field "
        "where path like 'Visit.Beds%' or path = 'Visit.Pager' order by path"
    )
    assert ask(settings, listed) == [
        ("Visit.Beds[]", "visit_beds", "", ""),
        ("Visit.Beds[].Since", "visit_beds", "since", "date"),
        ("Visit.Pager", "message", "visit_pager", ""),
    ]
    counts = "select messages, elements from quality.path_count where path = 'Visit.Beds[].Since'"
    assert ask(settings, counts) == [(1, 2)]


def test_its_values_are_checked_and_conformed(settings: Settings) -> None:
    found = ask(settings, "select rule, path, suggestion from quality.finding")
    assert found == [("value_not_supported_new", "Visit.Pager", "Male")]
    with open_for_reading(settings) as connection:
        query = "select visit_pager, visit_pager_supported from patient_admin.message_conformed"
        rows = connection.execute(f"{query} where visit_pager is not null").fetchall()
    assert rows == [("M", "Male")]


def test_messages_come_back_whole_from_both_sides_of_the_change(settings: Settings) -> None:
    plan = plan_tables(read_catalog(settings.catalog_path))
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        ids = connection.execute("select message_id from core.message").fetchall()
        for (message_id,) in ids:
            assert json.loads(rebuild_message(connection, plan, message_id))["Visit"] == VISIT


def test_synthetic_messages_carry_it(settings: Settings, tmp_path: Path) -> None:
    catalog = read_catalog(settings.catalog_path)
    dials = Dials(messages=60, event_types=("Arrival",), density=3.0)
    written = write_synthetic(tmp_path / "out", catalog=catalog, dials=dials)
    text = "".join(path.read_text() for path in written.files)
    assert '"Pager"' in text
    assert '"Beds"' in text


def test_keys_are_unique_in_every_table(
    catalog: Catalog, plan: WarehousePlan, tmp_path: Path
) -> None:
    settings = read_settings(tmp_path / "home")
    shares = Shares(**dict.fromkeys(FAULTS, 0.1), duplicates=0.05)
    written = write_synthetic(
        tmp_path / "out", catalog=catalog, dials=Dials(messages=222, shares=shares)
    )
    load_paths(settings, [str(path) for path in written.files])
    keys = {table.qualified_name: table.key for table in plan.tables()}
    keys |= {
        str(table): tuple(column.name for column in table.columns if column.info.get("key"))
        for table in FIXED.tables.values()
    }
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name, estimated_size from duckdb_tables()"
        ).fetchall()
        filled = [name for name, size in tables if size]
        repeated = [
            name
            for name in filled
            if connection.execute(
                f"select 1 from {name} group by {', '.join(keys[name])} having count(*) > 1 limit 1"
            ).fetchall()
        ]
    assert len(filled) > 300
    assert repeated == []
