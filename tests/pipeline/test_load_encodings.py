"""Encodings from file to table: by mark, by name, and found out from quarantine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl.pipeline.load import open_loader
from etl.queries.messages import received_bytes
from etl.settings import Settings
from tests.pipeline.command import CommandLine
from tests.pipeline.small_messages import make_message

TEXTS = [
    json.dumps(make_message(str(number), Patient={"Notes": [note]}), ensure_ascii=False)
    for number, note in enumerate(("Renée 😀", "plain", "Müller"))
]
WESTERN = "\n".join(TEXTS).replace("😀", "–")


def write(folder: Path, content: bytes) -> str:
    path = folder / "input"
    path.write_bytes(content)
    return str(path)


def rebuilt(command: CommandLine) -> list[object]:
    return [json.loads(command.run("rebuild", str(number)).out) for number in (0, 1, 2)]


@pytest.mark.parametrize(("encoding", "mark"), [("utf-16-le", "\ufeff"), ("utf-32-be", "")])
def test_wide_text_loads_and_comes_back(
    command: CommandLine, settings: Settings, tmp_path: Path, encoding: str, mark: str
) -> None:
    path = write(tmp_path, (mark + "\r\n".join(TEXTS)).encode(encoding))
    if not mark:
        assert command.run("load", path).code == 3
        assert "likely_utf_32" in command.run("quarantine", "list").out
    assert command.run("load", path, *([] if mark else ["--encoding", encoding])).code in (0, 3)
    assert rebuilt(command) == [json.loads(text) for text in TEXTS]
    with open_loader(settings) as loader:
        assert received_bytes(loader, 2) == TEXTS[2].encode(encoding)
    assert command.run("reload").code == 0
    assert rebuilt(command) == [json.loads(text) for text in TEXTS]


def test_single_bytes_load_by_name(command: CommandLine, tmp_path: Path) -> None:
    path = write(tmp_path, WESTERN.encode("cp1252"))
    assert command.run("load", "--encoding", "cp1252", path).code == 0
    assert rebuilt(command) == [json.loads(text) for text in WESTERN.split("\n")]


def test_the_encoding_is_found_out_from_quarantine(command: CommandLine, tmp_path: Path) -> None:
    path = write(tmp_path, WESTERN.encode("cp1252"))
    assert command.run("load", path).code == 3
    listed = command.run("quarantine", "list")
    assert "likely_windows_1252" in listed.out
    assert "replay --encoding cp1252" in listed.err
    told = command.run("quarantine", "replay", "--encoding", "cp1252")
    assert (told.code, told.out) == (
        0,
        "replayed 2 = loaded 2 + duplicate 0 + still quarantined 0\n",
    )
    texts = WESTERN.split("\n")
    assert rebuilt(command) == [json.loads(texts[number]) for number in (1, 0, 2)]
