"""`status`: what is loaded, from what, when, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

from tests.pipeline.command import CommandLine
from tests.pipeline.small_messages import make_message, make_patient


def test_without_a_warehouse_it_names_the_home_and_what_to_do(command: CommandLine) -> None:
    for arguments in (["status"], ["status", "--json"]):
        told = command.run(*arguments)
        assert told.code == 2
        assert str(command.home) in told.err and "redox-warehouse load PATH" in told.err
        assert told.out == ""
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

    assert status["messages"] == {
        "received": 4,
        "loaded": 3,
        "duplicate": 0,
        "quarantined": 1,
        "purged": 0,
    }
    assert status["sources"] == [
        {
            "source_id": "east",
            "messages": 2,
            "first_day": "2026-03-02",
            "last_day": "2026-03-04",
            "source_name": "",
        },
        {
            "source_id": "*",
            "messages": 1,
            "first_day": "2026-03-02",
            "last_day": "2026-03-02",
            "source_name": "",
        },
    ]
    assert [one["data_model"] for one in status["models"]] == ["PatientAdmin", "Notes"]
    assert size_bytes - 5 < status["bytes"] <= size_bytes, "a reload reads nothing new"
    for text in ("east", "(odd ids)", "Notes", "value_not_supported", "not_json", " UTC"):
        assert text in printed
    assert status["home"] == str(command.home)
    assert status["disk"]["warehouse"] > 0 and status["disk"]["landing"] > 0
    assert status["published"] is None and "redox-warehouse publish" in printed


def test_it_names_sources_and_the_published_version(command: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    messages = [make_message(str(n), source="east") for n in range(40)]
    for one in messages:
        one["Meta"]["Source"]["Name"] = "East Clinic"
    path.write_text("\n".join(map(json.dumps, messages)))
    command.run("load", str(path))
    command.run("publish")

    status = json.loads(command.run("status", "--json").out)

    assert status["sources"][0]["source_name"] == "East Clinic"
    assert status["published"]["version"] == 1
    assert status["disk"]["published"] > 0
    assert "East Clinic\teast\t40" in command.run("status").out
