"""`redox-warehouse reliability`: what it prints, as text and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from reliability_demo import connect_demo
from reliability_world import Feed, connect_world, expect, list_fields, send

from etl.cli import reliability as door
from etl.errors import UsageFault
from etl.settings import Settings, read_settings


@pytest.fixture(scope="module")
def demo() -> duckdb.DuckDBPyConnection:
    return connect_demo()


@pytest.fixture
def settings(tmp_path: Path, demo: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
             ) -> Settings:  # fmt: skip
    _open(demo, monkeypatch)
    return read_settings(tmp_path)


def _open(connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def opened(_: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
        yield connection

    monkeypatch.setattr(door, "open_for_reading", opened)


def run(settings: Settings, *arguments: str) -> Result:
    result = CliRunner().invoke(door.reliability, arguments, obj=settings)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_it_begins_with_a_summary_and_what_to_do(settings: Settings) -> None:
    lines = run(settings).output.splitlines()

    assert re.match(r"[\d,]+ messages of 3 sources, 2026-03-01 to 2026-03-30\. ", lines[0])
    assert re.search(r"[\d,]+ of [\d,]+ checks \(\d+%\) have a rating[;:] ", lines[0])
    assert lines[1] == "Look at first"
    first = [line for line in lines if line.startswith("- Westbrook Health and ")]
    assert "Visit.VisitNumber fell from" in first[0]
    assert "since March 21, 2026. Ask Westbrook Health and Northfield Clinic what" in first[0]
    assert any(line.startswith("- Lakeside Hospital: sent no Scheduling for") for line in lines)


def test_only_what_is_below_or_changed_is_printed(
    settings: Settings, demo: duckdb.DuckDBPyConnection
) -> None:
    lines = run(settings, "--limit", "0").output.splitlines()

    below = [line.split("\t") for line in lines if line.startswith("Below_their_rating\t")]
    meant = demo.execute(
        "select distinct path, rating, rating_basis from quality.field_verdict"
        " where verdict = 'below'"
    ).fetchall()
    assert {(row[1], row[4], row[8]) for row in below} == set(meant)
    assert len(below) == len(meant)
    assert ["Visit.VisitNumber", "Westbrook Health +1", "2026-03-21"] in [row[1:4] for row in below]
    assert not any("not_documented" in line or "met" in line.split("\t") for line in lines)


def test_all_lists_every_check_worst_first(
    settings: Settings, demo: duckdb.DuckDBPyConnection
) -> None:
    result = run(settings, "--all", "--limit", "0", "--model", "Order")

    records = [line.split("\t") for line in result.stdout.splitlines()]
    assert records[0][:5] == ["data_model", "source", "source_id", "verdict", "path"]
    number = demo.execute(
        "select count(*) from quality.field_verdict where data_model = 'Order'"
    ).fetchall()
    assert [(len(records) - 1,)] == number
    shortened = run(settings, "--all", "--limit", "3", "--model", "Order")
    assert "--limit 0 shows all" in shortened.stderr


def test_a_name_that_stands_for_nothing_gets_the_nearest(settings: Settings) -> None:
    for option, name, near in (
        ("--model", "PatientAdmn", "PatientAdmin"),
        ("--event", "Arival", "Arrival"),
        ("--source", "Westbrok Health", "Westbrook Health"),
    ):
        with pytest.raises(UsageFault, match=f"{name} \\(near: {near}"):
            run(settings, option, name)
    with pytest.raises(UsageFault, match="No messages fit all of these choices"):
        run(settings, "--source", "Westbrook Health", "--model", "Order")


def test_json_tells_every_field_with_its_numbers(
    settings: Settings, demo: duckdb.DuckDBPyConnection
) -> None:
    answer = json.loads(run(settings, "--json", "--limit", "0", "--model", "Order").output)

    told = {
        (field["source"], field["path"], field["messages_populated"], field["messages"],
         field["verdict"])
        for group in answer["groups"] for field in group["fields"]
    }  # fmt: skip
    meant = set(demo.execute(
        "select organization, path, messages_populated, messages, verdict"
        " from quality.field_verdict join quality.organization using (source_id)"
        " where data_model = 'Order'"
    ).fetchall())  # fmt: skip
    assert told == meant
    assert answer["first_day"] == "2026-03-01"
    assert {group["fields_left_out"] for group in answer["groups"]} == {0}


def test_report_is_written_beside_the_lines(settings: Settings, tmp_path: Path) -> None:
    result = run(settings, "--report", str(tmp_path / "out" / "report.html"), "--event", "Arrival")

    assert "The report is in" in result.output
    assert "Look at first" in (tmp_path / "out/report.html").read_text()


def test_small_counts_are_hidden_on_the_terminal_too(settings: Settings) -> None:
    answer = json.loads(run(settings, "--json", "--limit", "0", "--suppress-below", "50").output)

    fields = [field for group in answer["groups"] for field in group["fields"]]
    assert any(field["messages_populated"] is None for field in fields)
    assert not any(0 < (field["messages_populated"] or 0) < 50 for field in fields)


def test_one_field_below_its_rating_falls(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    expect(connection, "Patient.Name", "Reliable")
    send(connection, [Feed("north", "Arrival", 100, {"Patient.Name": 0.1})])
    _open(connection, monkeypatch)

    assert "1 of 1 check (100%) has a rating: 0% meet it, 1 falls below it." in run(settings).output


def test_choice_that_nothing_fits_is_a_fault_that_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(UsageFault, match="There is no data model Nonsense; name one of"):
        run(settings, "--model", "Nonsense")


def test_warehouse_without_messages_says_to_load(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _open(connect_world(), monkeypatch)

    with pytest.raises(UsageFault, match="run `redox-warehouse load` first"):
        run(settings)
