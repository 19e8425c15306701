"""The demo tells a story: its senders make the mistakes of its list, and it says what is wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from etl.orchestration import demo, demo_messages, demo_words
from etl.orchestration.demo_messages import BROKEN_FILE, DAYS, make_messages, messages_folder
from etl.orchestration.demo_words import Troubles
from etl.queries.reading import open_for_reading
from etl.queries.reliability_checks import REPORT_FILE
from etl.settings import Settings, read_settings
from etl.synth.scenarios.senders import make_senders
from models.catalog import read_catalog

RUN_ON = date(2026, 3, 10)
FIRST_DAY = RUN_ON - timedelta(days=DAYS)
FALLEN = "Visit.AttendingProvider.ID"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home with the demo's messages, of fewer people than it has."""
    settings = read_settings(tmp_path_factory.mktemp("demo") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_messages, "PATIENTS", 300)
        assert make_messages(settings, clock=lambda: RUN_ON)
        yield settings


@pytest.fixture(scope="module")
def messages(settings: Settings) -> list[dict[str, Any]]:
    files = sorted(messages_folder(settings).rglob("*.ndjson"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def of(messages: list[dict[str, Any]], sender: str, event: str = "") -> list[dict[str, Any]]:
    """The messages of a sender, perhaps of one event type."""
    return [
        one
        for one in messages
        if one["Meta"]["Source"]["Name"] == sender and event in ("", one["Meta"]["EventType"])
    ]


def day_of(message: dict[str, Any]) -> int:
    """The day of the month that the demo tells of, counted from 1."""
    return (date.fromisoformat(message["Meta"]["EventDateTime"][:10]) - FIRST_DAY).days + 1


def test_messages_are_written_once(settings: Settings) -> None:
    before = sorted(messages_folder(settings).rglob("*"))
    assert not make_messages(settings, clock=lambda: date(2027, 1, 1))
    assert sorted(messages_folder(settings).rglob("*")) == before


def test_the_month_ends_the_day_before(messages: list[dict[str, Any]]) -> None:
    assert {day_of(message) for message in messages} == set(range(1, DAYS + 1))


def test_a_field_falls_on_its_day(messages: list[dict[str, Any]]) -> None:
    visits = [
        one
        for one in of(messages, "North Hospital")
        if one["Meta"]["DataModel"] == "PatientAdmin"
        and "AttendingProvider" in one.get("Visit", {})
    ]
    before = ["ID" in one["Visit"]["AttendingProvider"] for one in visits if day_of(one) < 19]
    since = ["ID" in one["Visit"]["AttendingProvider"] for one in visits if day_of(one) >= 19]
    assert all(before)
    assert 0.15 < sum(since) / len(since) < 0.45


def test_a_sender_falls_silent(messages: list[dict[str, Any]]) -> None:
    assert max(day_of(one) for one in of(messages, "Harbor Laboratory")) == 21


def test_codes_are_outside_of_their_set(messages: list[dict[str, Any]]) -> None:
    new = of(messages, "Lakeside Clinic", "NewPatient")
    assert {"F", "M", "Female", "Male"} <= {one["Patient"]["Demographics"]["Sex"] for one in new}


def test_some_messages_come_twice(messages: list[dict[str, Any]]) -> None:
    logs = [one["Meta"]["Logs"][0]["ID"] for one in messages]
    assert 0 < len(logs) - len(set(logs)) < len(logs) / 100


def test_one_file_ends_in_the_middle_of_a_message(settings: Settings) -> None:
    (broken,) = messages_folder(settings).rglob(BROKEN_FILE)
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken.read_bytes())


def test_the_agreement_is_in_the_catalog(settings: Settings) -> None:
    sent = {sender.source_id for sender in make_senders(3, seed=1)}
    with (settings.catalog_path / "expectations.csv").open(encoding="utf-8", newline="") as text:
        assert {line["source_id"] for line in csv.DictReader(text)} - {""} <= sent
    assert any(line.is_site for line in read_catalog(settings.catalog_path).expectations)


def test_an_agreement_of_the_home_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_messages, "PATIENTS", 30)
    settings = read_settings(tmp_path / "home")
    settings.catalog_path.mkdir(parents=True)
    kept = settings.catalog_path / "expectations.csv"
    kept.write_text("data_model,event_type,path,required,rating,basis,source\n", "utf-8")
    make_messages(settings, clock=lambda: RUN_ON)
    assert kept.read_text("utf-8").count("\n") == 1


def test_paths_are_shown_as_one_would_type_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert demo_words.short_path(tmp_path / "home" / "report.html") == "home/report.html"
    assert demo_words.short_path(tmp_path.parent / "r.html") == str(tmp_path.parent / "r.html")


def test_what_is_wrong_is_said_in_five_lines_that_fit() -> None:
    status = {
        "messages": {"loaded": 990, "received": 1000, "duplicate": 1, "quarantined": 1},
        "models": [{"last_day": "2026-03-09"}],
        "findings": [
            {"severity": "error", "findings": 2},
            {"severity": "warning", "findings": 1},
            {"severity": "info", "findings": 9},
        ],
    }
    troubles = Troubles("2 fields are below their rating", f"A: {FALLEN} fell from 100% to 30%.")
    lines = demo_words.five_lines(status, troubles, seconds=42, report="report.html")
    told = demo_words.fold(lines, width=80)
    assert [name for name, _ in lines] == ["Loaded", "Wrong", "Look first", "Open", "Ask"]
    assert max(map(len, told.splitlines())) <= 80
    text = " ".join(told.split())
    assert "990 of 1,000 messages, until 2026-03-09; 1 duplicate, 1 in quarantine (42 s)" in text
    assert "2 fields are below their rating; 2 errors and 1 warning about values" in text
    assert f"Look first A: {FALLEN} fell from 100% to 30%." in text


def test_data_models_are_those_of_the_messages(
    settings: Settings, messages: list[dict[str, Any]]
) -> None:
    of_messages = {one["Meta"]["DataModel"] for one in messages}
    assert demo_messages.data_models(settings) == tuple(sorted(of_messages))


def test_runs_of_the_demo_have_the_origin_of_a_servers_runs() -> None:
    @dg.job
    def nothing() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        result = nothing.execute_in_process(instance=instance)
        demo.give_origin(instance, result.run_id)
        tag = {".dagster/repository": "__repository__@redox-warehouse"}
        (run,) = instance.get_runs(dg.RunsFilter(job_name="nothing", tags=tag))

    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == "redox-warehouse"


@pytest.mark.slow
def test_the_whole_demo_shows_all_that_its_lists_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    assert demo.main() == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 in quarantine" in printed
    with open_for_reading(read_settings()) as connection:
        troubles = demo_words.read_troubles(connection)
        broken = connection.execute(
            "select distinct path from quality.field_verdict where verdict = 'below' order by path"
        ).fetchall()
        fails = connection.execute(
            "select distinct path from quality.field_verdict where fails_check order by path"
        ).fetchall()
        met = connection.execute(
            "select rating_basis, count(*) from quality.field_verdict where verdict = 'met' group by 1"
        ).fetchall()
        rules = connection.execute("select distinct rule from quality.finding_count").fetchall()
        quarantine = connection.execute("select reason from core.quarantine").fetchall()
    assert troubles.headline == "2 fields are below their rating, 1 source is silent"
    assert troubles.first.startswith(f"North Hospital: {FALLEN} fell from 100% to ")
    page = (read_settings().reports_path / REPORT_FILE).read_text("utf-8")
    assert troubles.headline in page and troubles.headline in printed
    assert fails == broken == [("Patient.Demographics.EmailAddresses[]",), (FALLEN,)]
    assert dict(met)["site"] > 20 and dict(met)["documented"] > 200
    assert {rule for (rule,) in rules} >= {
        "value_not_supported", "time_no_zone", "time_impossible", "time_implausible",
        "unlisted_key", "type_converted",
    }  # fmt: skip
    assert quarantine == [("truncated",)]
