"""Who sends is read from what the home has seen, and said by name: habits, senders, the report."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from etl.orchestration import senders
from etl.orchestration.assembly import assemble
from etl.orchestration.graph import freshness_policy
from etl.orchestration.habits import Habits, read_habits
from etl.orchestration.reliability import describe_report
from etl.orchestration.senders import check_name
from etl.publish.manifest import MANIFEST
from etl.queries.reliability_checks import FailingField, Headline, Silence
from etl.report.records import ReportSummary
from etl.settings import Settings, read_settings

HOSPITAL = "7ce6f387-c33c-417d-8682-81e83628cbd9"
CLINIC = "clinic-1"
NAMES = {HOSPITAL: "North Hospital"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home that has seen two sources, the second without a name."""
    settings = read_settings(tmp_path)
    sources = [
        {"source_id": HOSPITAL, "source_name": "North Hospital"},
        {"source_id": CLINIC, "source_name": ""},
    ]
    status = {"models": [{"data_model": "Notes"}, {"data_model": "Order"}], "sources": sources}
    settings.status_path.write_text(json.dumps(status))
    return settings


def publish_days(settings: Settings, days: dict[str, list[int]]) -> None:
    """A version whose counts have messages on these days of March 2026."""
    folder = settings.published_path / "versions" / "1"
    counts = folder / "quality" / "message_count"
    counts.mkdir(parents=True)
    (folder / MANIFEST).write_text("{}")
    (settings.published_path / "current").symlink_to(folder)
    rows = [(model, date(2026, 3, day)) for model, own in days.items() for day in own]
    with duckdb.connect() as connection:
        connection.execute("create table counted (data_model text, day date, messages bigint)")
        connection.executemany("insert into counted values (?, ?, 1)", rows)
        connection.execute(f"copy counted to '{counts / 'a.parquet'}'")


def test_habits_are_what_the_home_has_seen(settings: Settings) -> None:
    publish_days(settings, {"Notes": [1, 2, 3, 8, 9, 10, 11], "Order": [1, 2]})

    habits = read_habits(settings)

    assert habits == Habits(("Notes", "Order"), (HOSPITAL, CLINIC), {"Notes": 5}, NAMES)
    assert Habits.from_json(habits.to_json()) == habits


@pytest.mark.parametrize("damage", ["status", "counts", "nothing"])
def test_habits_of_a_new_or_damaged_home_are_what_can_be_read(
    damage: str, settings: Settings
) -> None:
    if damage == "status":
        settings.status_path.write_text("{")
    if damage == "nothing":
        settings.status_path.unlink()
    if damage == "counts":
        publish_days(settings, {"Notes": list(range(1, 9))})
        for file in settings.published_path.rglob("*.parquet"):
            file.write_bytes(b"not parquet")

    habits = read_habits(settings)

    assert habits.pause_days == {}
    assert bool(habits.models) is (damage == "counts")


def test_freshness_is_the_longest_pause_unless_the_site_says_otherwise(tmp_path: Path) -> None:
    habits = Habits(("Notes", "Order"), pause_days={"Notes": 3, "Order": 2})
    own = {"Order": 0, "Results": 1.5}
    settings = read_settings(tmp_path, orchestration={"fresh_within_days": own})

    days = [habits.fresh_days(model, settings) for model in ("Notes", "Order", "Results", "Media")]

    assert days == [3, None, 1.5, None]
    assert freshness_policy(None) is None and freshness_policy(3) is not None


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        (HOSPITAL, "North Hospital", "sends_north_hospital_7ce6f387"),
        (HOSPITAL, "", "sends_7ce6f387_c33c_417d_8682_81e83628cbd9"),
        (CLINIC, "", "sends_clinic_1"),
        ("", "", "sends_without_id"),
        ("*", "", "sends_without_id"),
    ],
)
def test_checks_of_senders_have_their_names(source: str, name: str, expected: str) -> None:
    assert check_name(source, name) == expected


def test_silent_sender_is_named_and_the_others_pass(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = Silence(HOSPITAL, "*", date(2026, 3, 2), 9, 2, "North Hospital")
    monkeypatch.setattr(senders, "read_silences", lambda _: [silence])
    monkeypatch.setenv("REDOX_WAREHOUSE_HOME", str(settings.home))
    definitions = assemble(settings)

    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("senders").execute_in_process(instance=instance)

    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    silent, sending = checks["sends_north_hospital_7ce6f387"], checks["sends_clinic_1"]
    assert not silent.passed and silent.severity is dg.AssetCheckSeverity.WARN
    assert silent.metadata["silent_days"].value == 9
    assert silent.description == (
        "North Hospital (7ce6f387…): nothing for 9 days, since 2026-03-02; its longest pause before "
        "was 2 days. Ask the sender, and see `redox-warehouse doctor` for the webhook."
    )
    assert sending.passed and sending.description == "clinic-1 sends as usual."


def test_report_is_shown_as_headline_fields_changes_and_silences() -> None:
    summary = ReportSummary(2, 1_200, 300, {}, 3, 1, 1, 1, False, 10)
    worst = FailingField(
        "PatientAdmin", "Visit.A|B", "Arrival", HOSPITAL, "Always", 260, 1_000, "North Hospital"
    )

    told = describe_report(summary, Headline((worst,), ("one change",), ("one silence",)))
    nothing = describe_report(summary, Headline((), (), ()))

    assert told.splitlines()[0] == (
        "**1 field is below its rating** in 1,200 messages of 2 sources: 3 of 300 checks, each of a "
        "source, an event type and a field."
    )
    assert (
        "| 26.0% of 1,000 | Always | `Visit.A\\|B` | PatientAdmin | Arrival "
        "| North Hospital (7ce6f387…) |" in told
    )
    assert "Changes:\n\n- one change" in told and "Silent senders:\n\n- one silence" in told
    assert "Worst fields" not in nothing
    assert nothing.endswith("Changes: none\n\nSilent senders: none")
