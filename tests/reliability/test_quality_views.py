"""The files of sql/quality: headers that tell the truth, settings that exist, plain reading."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import duckdb
import pytest
from reliability_world import SETTINGS, Feed, connect_world, list_fields, send

from etl.report.views import View, create_views, read_views

VIEWS = read_views()
OF_ONE_ROW = ("quality.count_period", "quality.ledger_total")


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_header_says_grain_key_and_exactly_what_is_read(view: View) -> None:
    header = "\n".join(line for line in view.select.splitlines() if line.startswith("--"))
    body = re.sub(r"--.*", "", view.select)

    assert "-- grain: " in header
    assert re.search(r"key: ", header)
    assert view.reads == set(re.findall(r"\b(?:quality|core)\.[a-z_]+", body))


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_sql_is_one_select_in_lower_case(view: View) -> None:
    body = re.sub(r"--.*|'[^']*'", "", view.select)

    assert body == body.lower()
    assert ";" not in body
    assert not re.search(r"select\s+\*", body)
    assert len(view.select.splitlines()) <= 250


def test_every_setting_is_used_and_every_used_setting_exists() -> None:
    with SETTINGS.open(encoding="utf-8", newline="") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    used = {
        name
        for view in VIEWS
        for name in re.findall(r"filter \(where name = '([a-z_]+)'\)", view.select)
    }

    assert names == sorted(names)
    assert set(names) == used


def test_views_are_created_after_what_they_read_and_again_without_harm() -> None:
    connection = connect_world()
    create_views(connection)
    seen: set[str] = set()
    for view in VIEWS:
        assert view.reads & {other.name for other in VIEWS} <= seen
        seen.add(view.name)


def test_every_view_reads_empty_counts() -> None:
    connection = connect_world()

    for view in VIEWS:
        rows = connection.execute(f"select count(*) from {view.name}").fetchall()
        assert rows == [(1 if view.name in OF_ONE_ROW else 0,)], view.name


def test_views_answer_on_a_read_only_file_under_another_name(tmp_path: Path) -> None:
    world = connect_world()
    list_fields(world, ["Patient.Name"], events=["Arrival"])
    send(world, [Feed("s", "Arrival", 100, {"Patient.Name": 0.5})], days=10)
    world.execute(
        f"attach '{tmp_path}/counts.duckdb' as counts; copy from database memory to counts"
    )
    world.execute("detach counts")

    analyst = duckdb.connect()
    analyst.execute(f"attach '{tmp_path}/counts.duckdb' as published (read_only)")

    rows = analyst.execute("select messages from published.quality.field_verdict").fetchall()
    assert rows == [(1000,)]
