"""`redox-warehouse reliability`: what it prints, as text and as JSON."""

from __future__ import annotations

import json
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


def test_worst_come_first_per_data_model_and_source(settings: Settings) -> None:
    lines = run(settings, "--limit", "3").output.splitlines()

    heads = [line for line in lines if " messages: " in line]
    assert heads[0].startswith("PatientAdmin · Westbrook Health")
    assert len(heads) == 11
    first = lines.index(heads[0])
    assert "▼ Below" in lines[first + 2]
    assert any("and " in line and "--limit 0 shows all" in line for line in lines)


def test_what_changed_is_said_in_words(settings: Settings) -> None:
    output = run(settings).output

    assert "Visit.VisitNumber of Westbrook Health fell from 97 % to" in output
    assert "Scheduling of Lakeside Hospital fell silent after 22 March 2026" in output
    assert "judged checks keep their rating" in output


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
    assert "How often is each field really there?" in (tmp_path / "out/report.html").read_text()


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

    assert "1 falls below it, 1 of" in run(settings).output


def test_choice_that_nothing_fits_is_a_fault_that_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(UsageFault, match="No messages fit Nonsense; run `redox-warehouse"):
        run(settings, "--model", "Nonsense")


def test_warehouse_without_messages_says_to_load(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _open(connect_world(), monkeypatch)

    with pytest.raises(UsageFault, match="run `redox-warehouse load` first"):
        run(settings)
