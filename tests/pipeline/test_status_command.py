"""`status`: what is loaded, from what, when, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

from tests.pipeline.command import CommandLine
from tests.pipeline.small_messages import make_message, make_patient


def test_before_the_first_load_it_tells_of_nothing(command: CommandLine) -> None:
    told = command.run("status")
    assert told.code == 0
    assert "received 0 = loaded 0" in told.out and "the last never" in told.out
    assert json.loads(command.run("status", "--json").out)["sources"] == []
    assert not command.home.exists()


def test_it_tells_models_sources_days_and_faults(command: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    messages = [
        make_patient("1", {"Sex": "odd"}, source="east"),
        make_message("2", source="east", at="2026-03-04T00:00:00.000Z"),
        make_message("3", model="Notes", event="New", source="[west]"),
    ]
    path.write_text("\n".join([*map(json.dumps, messages), "nonsense"]))
    size_bytes = path.stat().st_size
    command.run("load", str(path))
    command.run("reload")

    status = json.loads(command.run("status", "--json").out)
    printed = command.run("status").out

    assert status["messages"] == {"received": 4, "loaded": 3, "duplicate": 0, "quarantined": 1}
    assert status["sources"] == [
        {"source_id": "east", "messages": 2, "first_day": "2026-03-02", "last_day": "2026-03-04"},
        {"source_id": "*", "messages": 1, "first_day": "2026-03-02", "last_day": "2026-03-02"},
    ]
    assert [one["data_model"] for one in status["models"]] == ["PatientAdmin", "Notes"]
    assert size_bytes - 5 < status["bytes"] <= size_bytes, "a reload reads nothing new"
    for text in ("east", "(odd ids)", "Notes", "value_not_supported", "not_json", " UTC"):
        assert text in printed
