"""`quarantine` as a command: wrong numbers are told, nothing is made where nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.pipeline.command import CommandLine
from tests.pipeline.small_messages import make_message

CHANGES = ["replay", "resolve"]


@pytest.fixture
def loaded(command: CommandLine, tmp_path: Path) -> CommandLine:
    """One message loaded, one item in quarantine."""
    path = tmp_path / "a.ndjson"
    path.write_text(f"{json.dumps(make_message('1'))}\nnonsense\n")
    assert command.run("load", str(path)).code == 3
    return command


@pytest.mark.parametrize("name", ["list", *CHANGES])
def test_without_a_warehouse_nothing_is_made(command: CommandLine, name: str) -> None:
    told = command.run("quarantine", name, *(["1"] if name in CHANGES else []))
    assert told.code == 2 and "redox-warehouse load" in told.err
    assert not (command.home / "warehouse.duckdb").exists()


@pytest.mark.parametrize("name", CHANGES)
def test_numbers_that_are_not_open_are_told(loaded: CommandLine, name: str) -> None:
    told = loaded.run("quarantine", name, "1", "7", "8")
    assert told.code == 2 and "7, 8" in told.err
    assert [item["state"] for item in listed(loaded)] == ["open"]


def test_resolved_item_is_open_no_more(loaded: CommandLine) -> None:
    assert loaded.run("quarantine", "resolve", "1").code == 0
    assert loaded.run("quarantine", "replay", "1").code == 2
    assert loaded.run("quarantine", "list").err == "No such item is in quarantine.\n"
    status = json.loads(loaded.run("status", "--json").out)
    assert status["messages"] == {
        "received": 2,
        "loaded": 1,
        "duplicate": 0,
        "quarantined": 1,
        "purged": 0,
    }


def test_list_tells_one_line_per_item_and_what_to_do(loaded: CommandLine) -> None:
    told = loaded.run("quarantine", "list")
    (item,) = (line for line in told.out.splitlines() if "\topen\t" in line)
    assert "not_json" in item
    assert told.err.splitlines()[-1].startswith(
        "not_json: The item is not JSON text. Check the bytes with "
    )


def listed(command: CommandLine) -> list[dict[str, str]]:
    items: list[dict[str, str]] = json.loads(command.run("quarantine", "list", "--json").out)
    return items
