"""Every query on the analysts' page answers, in every time zone the same, and the answers are true."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.pipeline.load import load_paths
from etl.pipeline.publish import publish
from etl.settings import read_settings
from etl.synth import Dials, write_synthetic
from etl.synth.dials import FAULTS, Shares, SourceDial
from etl.synth.scenarios import ScenarioDials, write_scenarios
from tests.packaged import packaged_catalog
from tests.packaging.documents import ROOT, blocks, page_name

PAGE = ROOT / "docs" / "analysts.md"
QUERIES = [block.text for block in blocks(PAGE) if block.language == "sql"]
# what only stands there when a field's rate changed
MAY_BE_EMPTY = ("quality.field_drift",)
ZONES = ("UTC", "America/Chicago")


class Published:
    """Scenarios and some faulty messages of two data models, published; `truth` is of the scenarios."""

    def __init__(self, folder: Path) -> None:
        self.truth = folder / "truth"
        settings = read_settings(folder / "home")
        write_scenarios(folder / "told", dials=ScenarioDials(patients=220), truth=self.truth)
        load_paths(settings, [str(folder / "told" / "events")])
        load_paths(settings, [str(folder / "told" / "replies")], unwrap="body")
        dials = Dials(
            messages=80,
            data_models=("PatientAdmin", "Results"),
            sources=(SourceDial("Faulty Hospital"),),
            shares=Shares(**dict.fromkeys(FAULTS, 0.05)),
        )
        write_synthetic(folder / "messages", catalog=packaged_catalog(), dials=dials)
        load_paths(settings, [str(folder / "messages")])
        self.path = f"{publish(settings).folder}/warehouse.duckdb"

    def rows(self, query: str, zone: str = "UTC") -> list[tuple[Any, ...]]:
        with duckdb.connect(self.path, read_only=True) as connection:
            connection.execute(f"set timezone = '{zone}'")
            return connection.execute(query).fetchall()

    def told(self, name: str) -> list[dict[str, str]]:
        with (self.truth / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    yield Published(tmp_path_factory.mktemp("analysts"))


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_query_answers_the_same_in_every_zone(published: Published, query: str) -> None:
    utc, elsewhere = (sorted(map(repr, published.rows(query, zone))) for zone in ZONES)
    assert utc or any(name in query for name in MAY_BE_EMPTY)
    if "_at" not in query.partition("from ")[0]:  # an instant prints in the session's zone
        assert utc == elsewhere


def _query(word: str) -> str:
    """The one query below a heading that has this word in it."""
    section = (
        PAGE.read_text("utf-8").partition(word)[2].partition("\n### ")[0].partition("\n## ")[0]
    )
    return section.partition("```sql\n")[2].partition("```")[0]


def test_no_shows_are_those_of_the_truth(published: Published) -> None:
    told = Counter(
        row["status_code"] for row in published.told("appointments")
        if row["status_code"] in ("noshow", "fulfilled")
    )  # fmt: skip
    every = _query("do not show up").replace("having due >= 5\n", "")
    found = published.rows(every)
    assert sum(row[2] for row in found) == told["noshow"] > 0
    assert sum(row[3] for row in found) == told.total()


def test_stays_and_readmissions_are_those_of_the_truth(published: Published) -> None:
    stays = [
        row for row in published.told("encounters")
        if row["encounter_type"] == "Inpatient" and row["encounter_status"] == "finished"
    ]  # fmt: skip
    names = {row["source_name"] for row in stays}
    found = [row for row in published.rows(_query("do inpatients stay")) if row[0] in names]
    assert sum(row[1] for row in found) == len(stays) > 0
    assert all(0 < row[3] < 24 * 30 for row in found)
    back = [row for row in published.rows(_query("come back within")) if row[0] in names]
    assert sum(row[1] for row in back) == len(stays)
    assert all(0 <= row[2] <= row[1] for row in back)


def test_charges_add_up_to_the_truth(published: Published) -> None:
    told = [row for row in published.told("charges") if row["source_code_type"] == "CPT"]
    found = published.rows(_query("by CPT code"))
    assert sum(row[2] for row in found) == len(told) > 0
    assert sum(row[4] for row in found) == sum(Decimal(row["net_amount"]) for row in told)


def test_urgent_orders_come_back_sooner_and_nobody_waits_a_negative_time(
    published: Published,
) -> None:
    hours = {row[0]: row[3] for row in published.rows(_query("wait for their first")) if row[0]}
    assert 0 < hours["Stat"] < hours["Routine"]


def test_every_view_of_schema_quality_stands_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    views = [f"quality.{file.stem}" for file in sorted((ROOT / "sql" / "quality").glob("*.sql"))]
    inner = {
        "quality.count_period",
        "quality.field_day_window",
        "quality.field_drift_possible",
    }
    assert [view for view in views if f"`{view}`" not in text and view not in inner] == []


def test_page_has_the_ten_questions() -> None:
    text = PAGE.read_text("utf-8").partition("## Ten questions")[2].partition("\n## ")[0]
    assert text.count("\n### ") == text.count("```sql") == 10, page_name(PAGE)
