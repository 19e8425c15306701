"""A data model that the catalog lacks becomes one, from a handful of its messages in quarantine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from etl.cli.drift import drift
from etl.cli.quarantine import quarantine
from etl.pipeline.load import load_paths
from etl.settings import Settings, read_settings
from models.catalog import read_catalog
from models.catalog.records import Direction
from tests.pipeline.small_messages import ask, load, make_message

MEMBER = {"Demographics": {"FirstName": "Synthia", "DOB": "1980-02-03"}}


def coverage(number: int, *, event: str = "New") -> dict[str, object]:
    return make_message(
        str(number),
        model="CoverageCard",
        event=event,
        Patient=MEMBER,
        Insurances=[{"Plan": {"ID": str(number)}, "EffectiveDate": "2026-01-01", "Rank": 1}],
        **{"odd key": 1},
    )


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = read_settings(tmp_path_factory.mktemp("new") / "home")
    events = ("New", "Query", "QueryResponse")
    messages = [coverage(number, event=events[number % 3]) for number in range(9)]
    assert load(settings, "a", messages).quarantined == 9
    return settings


def run_drift(settings: Settings, *options: str) -> Result:
    return CliRunner().invoke(drift, ["--new-model", *options], obj=settings)


def test_names_that_nothing_waits_for_are_refused_with_those_that_do(settings: Settings) -> None:
    refused = run_drift(settings, "Insurance")
    assert "CoverageCard" in str(refused.exception)
    known = run_drift(settings, "PatientAdmin")
    assert "drift --write" in str(known.exception)
    assert not settings.catalog_path.exists()


def test_a_model_is_proposed_then_written_then_loaded(settings: Settings) -> None:
    proposed = run_drift(settings, "CoverageCard")
    assert "CoverageCard  Insurances[].EffectiveDate  string date" in proposed.output
    assert "Synthia" not in proposed.output
    assert not settings.catalog_path.exists()
    assert "quarantine replay" in run_drift(settings, "CoverageCard", "--write").output

    catalog = read_catalog(settings.catalog_path)
    model = catalog.data_models["CoverageCard"]
    assert model.schema == "coverage_card"
    assert {event.event_type: (event.direction, event.reply) for event in model.event_types} == {
        "New": (Direction.NOTIFICATION, ""),
        "Query": (Direction.QUERY, "QueryResponse"),
        "QueryResponse": (Direction.REPLY, ""),
    }
    fields = {field.path: field for field in catalog.fields["CoverageCard"]}
    assert fields["Patient.Demographics.DOB"].sensitivity == "date"
    assert fields["Insurances[].Rank"].number_kind == "integer"
    assert "Meta.Source.ID" in fields

    replayed = CliRunner().invoke(quarantine, ["replay"], obj=settings)
    assert "loaded 9" in replayed.output
    rows = ask(settings, "select plan_id, rank from coverage_card.insurances order by plan_id")
    assert rows == [(str(number), 1) for number in range(9)]
    kept = ask(settings, "select distinct path, reason from core.unplaced_value")
    assert kept == [('["odd key"]', "unlisted_key")]


def test_json_names_fields_and_what_was_left_out_also_from_envelopes(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "home")
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps({"body": coverage(1)}), "utf-8")
    load_paths(settings, [str(path)], unwrap="body")
    shown = json.loads(run_drift(settings, "CoverageCard", "--json").stdout)
    assert {"data_model", "path", "json_type"} == set(shown["fields"][0])
    assert "do not look like keys" in shown["left_out"][0]
