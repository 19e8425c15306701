"""Envelopes as queues, topics and exports write them: every message in them loads, and is one item."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from etl.pipeline.load import load_paths, open_loader
from etl.pipeline.reload import Selection, reload_slices
from etl.queries.messages import received_bytes
from etl.settings import Settings
from tests.pipeline.command import CommandLine
from tests.pipeline.small_messages import ask, make_message

TEXTS = [json.dumps(make_message(str(number))) for number in range(6)]


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


LAYOUTS: dict[str, tuple[Callable[[list[str]], Any], str]] = {
    "queue": (lambda texts: {"Messages": [{"Body": text} for text in texts]}, "Messages[].Body"),
    "body of an array": (lambda texts: {"body": json.dumps([*map(json.loads, texts)])}, "body"),
    "topic in a queue": (
        lambda texts: {"Body": json.dumps({"Message": coded("".join(texts))})},
        "Body.Message",
    ),
}


def write(folder: Path, items: list[Any]) -> str:
    path = folder / "input.jsonl"
    path.write_text("\n".join(map(json.dumps, items)))
    return str(path)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_message_is_an_item(settings: Settings, tmp_path: Path, name: str) -> None:
    wrap, key = LAYOUTS[name]
    path = write(tmp_path, [wrap(TEXTS[:1]), wrap(TEXTS[1:4]), {"other": 1}, wrap(TEXTS[4:])])
    summary = load_paths(settings, [path], unwrap=key)
    assert (summary.received, summary.loaded, summary.quarantined) == (7, 6, 1)
    places = ask(settings, "select item from core.message order by message_id")
    assert places == [(0,), (1,), (2,), (3,), (5,), (6,)]
    with open_loader(settings) as loader:
        for number, text in enumerate(TEXTS):
            assert json.loads(received_bytes(loader, number)) == json.loads(text)
        assert json.loads(received_bytes(loader, 2, envelope=True)) == wrap(TEXTS[1:4])


def test_parts_are_found_again_wherever_a_unit_begins(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.pipeline.units.UNIT_ITEMS", 4)
    path = write(tmp_path, [{"body": "".join(TEXTS)}])
    assert load_paths(settings, [path], unwrap="body").loaded == 6
    with open_loader(settings) as loader:
        assert reload_slices(loader, Selection()).messages == 6


def test_a_bad_message_in_an_envelope_costs_no_other(settings: Settings, tmp_path: Path) -> None:
    bodies = [TEXTS[0], TEXTS[1][:-1] + "oops}", "", TEXTS[2]]
    path = write(tmp_path, [{"Messages": [*({"Body": body} for body in bodies), {"Bo": 1}, 5]}])
    summary = load_paths(settings, [path], unwrap="Messages[].Body")
    assert (summary.received, summary.loaded, summary.quarantined) == (6, 2, 4)


def test_a_line_that_is_a_string_is_read(settings: Settings, tmp_path: Path) -> None:
    lines = [TEXTS[0], json.dumps(TEXTS[1]), json.dumps(json.dumps(TEXTS[2])), "just words",
             json.dumps([json.loads(text) for text in TEXTS[3:]])]  # fmt: skip
    path = tmp_path / "input"
    path.write_text("\n".join([lines[0], *map(json.dumps, lines[1:])]))
    summary = load_paths(settings, [str(path)])
    assert (summary.received, summary.loaded, summary.quarantined) == (7, 6, 1)
    with open_loader(settings) as loader:
        assert received_bytes(loader, 5) == TEXTS[5].encode()
        assert reload_slices(loader, Selection()).messages == 6


def test_the_key_that_would_work_is_named(command: CommandLine, tmp_path: Path) -> None:
    wrap, key = LAYOUTS["queue"]
    path = write(tmp_path, [wrap(TEXTS[:2]), wrap(TEXTS[2:])])
    first = command.run("load", path)
    assert (first.code, key in first.out) == (3, True)
    again = command.run("load", "--json", path)
    assert (again.code, json.loads(again.out)["unwrap"]) == (3, [key])
    assert key in command.run("quarantine", "list").err
    listed = json.loads(command.run("quarantine", "list", "--json").out)
    assert [item["unwrap"] for item in listed] == [key, key]
    assert command.run("load", "--unwrap", key, path).out.startswith("received 6 = loaded 6")


def test_a_key_of_one_message_is_tried_again(command: CommandLine, tmp_path: Path) -> None:
    path = write(tmp_path, [{"body": text} for text in TEXTS])
    told = command.run("load", path)
    assert "`redox-warehouse quarantine replay --unwrap body` loads them" in told.out
    assert command.run("quarantine", "replay", "--unwrap", "body").code == 0
    assert command.run("load", path).code == 0


def test_several_messages_that_were_one_item_are_never_one(
    command: CommandLine, tmp_path: Path
) -> None:
    path = write(tmp_path, [{"body": "".join(TEXTS)}])
    assert command.run("load", path).code == 3
    assert command.run("quarantine", "replay", "--unwrap", "body").code == 3
    assert command.run("load", "--unwrap", "body", path).out.startswith("received 6 = loaded 6")
