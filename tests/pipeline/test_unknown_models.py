"""FHIR and unknown data models among messages: kept whole, counted by source, stopping nothing."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from etl.cli.quarantine import quarantine
from etl.pipeline.load import load_paths
from etl.report.views import view_select
from etl.settings import read_settings
from tests.pipeline.small_messages import ask, make_message

VIEW = view_select("quality.quarantine_by_source")
CANARY = "Doe, Jane 1980-02-30"
BUNDLE = {"resourceType": "Bundle", "type": "message", "entry": []}


def test_they_are_kept_with_their_names(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "home")
    messages = [
        make_message("1", Visit={"VisitNumber": "1"}),
        make_message("2", model="Insurance", event="New", source="source-b"),
        make_message("3", model="Insurance", event="Update", source="source-b"),
        make_message("4", model="FHIR.Encounter", event="read"),
        BUNDLE,
        make_message("5", model=CANARY, source=CANARY),
        make_message("6", Visit={"VisitNumber": "2"}),
    ]
    path = tmp_path / "a.ndjson"
    path.write_text("".join(json.dumps(message) + "\n" for message in messages))
    summary = load_paths(settings, [str(path)])
    assert (summary.loaded, summary.quarantined) == (2, 5)
    counted = ask(settings, f"select reason, data_model, source_id, items from {VIEW}")
    assert sorted(counted) == [
        ("fhir_message", "FHIR Bundle", "", 1),
        ("fhir_message", "FHIR.Encounter", "source-a", 1),
        ("unknown_data_model", CANARY, CANARY, 1),
        ("unknown_data_model", "Insurance", "source-b", 2),
    ]
    for options in ([], ["--json"]):
        shown = CliRunner().invoke(quarantine, ["list", *options], obj=settings)
        assert shown.exit_code == 0
        assert "Insurance" in shown.output and "*" in shown.output
        assert "Doe" not in shown.output


def test_half_a_character_in_a_name_stops_nothing(tmp_path: Path) -> None:
    """DuckDB refuses a text with a lone surrogate, and with it the whole load."""
    settings = read_settings(tmp_path / "home")
    header = {"resourceType": "MessageHeader", "source": {"endpoint": "\udfff"}}
    messages = [
        make_message("1", Visit={"VisitNumber": "1"}),
        make_message("2", model="\ud800", source="a\udc00"),
        BUNDLE | {"entry": [{"resource": header}]},
    ]
    path = tmp_path / "a.ndjson"
    path.write_text("".join(json.dumps(message) + "\n" for message in messages))
    summary = load_paths(settings, [str(path)])
    assert (summary.loaded, summary.quarantined) == (1, 2)
    assert sorted(ask(settings, f"select data_model, source_id from {VIEW}")) == [
        ("FHIR Bundle", "\ufffd"),
        ("\ufffd", "a\ufffd"),
    ]
