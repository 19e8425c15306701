"""Files named by ids: quarantine names its source where names may show, and ids lead back to names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl.sources.files import label_of
from tests.pipeline.command import CommandLine
from tests.pipeline.small_messages import make_message

NAME = "Zquux, Zelda\u202e.json"
SHOWN = "Zquux, Zelda\\u202e.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "inputs"
    folder.mkdir()
    (folder / NAME).write_text(json.dumps(make_message("1")) + "\noops\n")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    return folder


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("etl.cli.quarantine", "etl.cli.source", "etl.cli.tables"):
        monkeypatch.setattr(f"{module}.is_terminal", lambda: True)


def test_quarantine_names_its_source_on_a_terminal(
    command: CommandLine, folder: Path, on_terminal: None
) -> None:
    command.run("load", str(folder))
    printed = command.run("quarantine", "list", "--wide").out
    assert SHOWN in printed
    assert NAME not in printed


def test_quarantine_names_no_source_in_a_pipe_unless_asked(
    command: CommandLine, folder: Path
) -> None:
    command.run("load", str(folder))
    for options in ([], ["--wide"], ["--json"]):
        assert "Zelda" not in command.run("quarantine", "list", *options).out
    [item] = json.loads(command.run("quarantine", "list", "--json", "--values").out)
    assert (item["uri"], item["item"]) == (str(folder / NAME), 1)
    assert item["byte_offset"] == len(json.dumps(make_message("1"))) + 1
    assert SHOWN in command.run("quarantine", "list", "--values").out


def test_an_id_leads_to_the_name(command: CommandLine, folder: Path) -> None:
    command.run("load", str(folder))
    [item] = json.loads(command.run("quarantine", "list", "--json").out)
    label = label_of(str(folder / NAME))
    for printed in (
        label,
        label.removeprefix("source "),
        item["object_id"],
        item["object_id"][:12],
    ):
        told = command.run("source", printed, "--values", "--json")
        assert [one["uri"] for one in json.loads(told.out)] == [str(folder / NAME)]
    assert SHOWN in command.run("source", label, "--values").out


def test_an_id_of_what_was_left_out_is_found_below_its_path(
    command: CommandLine, folder: Path
) -> None:
    label = label_of(str(folder / "notes.pdf"))
    assert command.run("source", label, "--values").code == 2
    told = command.run("source", label, str(folder), "--values")
    assert "notes.pdf\tleft out: a kind of file that holds no messages" in told.out


@pytest.mark.parametrize("printed", ["zz", "source", "12", "../../etc"])
def test_what_is_not_an_id_is_refused(command: CommandLine, printed: str) -> None:
    told = command.run("source", printed, "--values")
    assert (told.code, "hexadecimal" in told.err) == (2, True)


def test_names_are_not_printed_to_a_pipe(command: CommandLine, folder: Path) -> None:
    command.run("load", str(folder))
    told = command.run("source", label_of(str(folder / NAME)))
    assert (told.code, "Zelda" in told.out + told.err) == (2, False)
