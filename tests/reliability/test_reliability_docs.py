"""docs/reliability.md tells the truth: its SQL runs, its overlay is read, its thresholds are ours."""

from __future__ import annotations

import csv
from pathlib import Path

from reliability_demo import connect_demo
from reliability_world import SETTINGS

from etl.report.records import Verdict
from models.catalog import read_catalog
from tests.packaging.documents import ROOT, blocks

PAGE = ROOT / "docs" / "reliability.md"

TEXT = PAGE.read_text("utf-8")


def test_every_statement_of_the_page_runs() -> None:
    statements = [block.text for block in blocks(PAGE) if block.language == "sql"]
    connection = connect_demo()

    assert len(statements) == 4
    for statement in statements:
        assert connection.execute(statement).fetchall(), statement


def test_expectations_of_the_page_are_read_as_the_sites(tmp_path: Path) -> None:
    text = next(
        block.text for block in blocks(PAGE) if block.text.startswith("data_model,event_type")
    )
    (tmp_path / "expectations.csv").write_text(text + "\n", "utf-8")

    site = [line for line in read_catalog(tmp_path).expectations if line.is_site]

    assert [(line.path, line.rating, bool(line.source_id)) for line in site] == [
        ("Visit.VisitNumber", "Reliable", False), ("Visit.Location.Bed", "Possible", True),
    ]  # fmt: skip


def test_thresholds_of_the_page_are_the_packaged_ones() -> None:
    with SETTINGS.open(encoding="utf-8", newline="") as file:
        settings = {row["name"]: float(row["value"]) for row in csv.DictReader(file)}

    assert f"the {settings['drift_past_days']:g} days before the day" in TEXT
    assert f"with the {settings['drift_recent_days']:g} days from it on" in TEXT
    assert f"(at least {settings['drift_min_recent_days']:g})" in TEXT
    assert f"`drift_false_alarms` = {settings['drift_false_alarms']:g}" in TEXT
    assert f"fewer than {settings['min_messages']:g}" in TEXT


def test_every_verdict_is_explained() -> None:
    for verdict in Verdict:
        assert f"| `{verdict.value}` |" in TEXT
