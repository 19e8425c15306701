"""Tables as exports: rows load from the column that is named, and files that need it are recognized."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pipeline.command import CommandLine
from tests.pipeline.small_messages import make_message

TEXTS = [json.dumps(make_message(str(number)), indent=number % 2 or None) for number in range(4)]
TIMES = [f"2026-03-02 10:20:3{number}+00" for number in range(4)]
Rows = Sequence[Sequence[Any]]
LOAD = ("load", "--column", "payload", "--received-at", "created_at")


def write_csv(folder: Path, rows: Rows, delimiter: str = ",") -> str:
    path = folder / "export.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([["id", "created_at", "payload"], *rows])
    return str(path)


def write_parquet(folder: Path, rows: Rows) -> str:
    path = folder / "export.parquet"
    columns = dict(zip(("id", "created_at", "payload"), zip(*rows, strict=True), strict=True))
    pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), path,
                   row_group_size=3)  # fmt: skip
    return str(path)


def write_tabs(folder: Path, rows: Rows) -> str:
    return write_csv(folder, rows, "\t")


Write = Callable[[Path, Rows], str]
WRITERS: list[Write] = [write_csv, write_tabs, write_parquet]


@pytest.mark.parametrize("write", WRITERS)
def test_rows_load_and_come_back(command: CommandLine, tmp_path: Path, write: Write) -> None:
    rows = [*zip(range(4), TIMES, TEXTS, strict=True), (9, TIMES[0], None)]
    path = write(tmp_path, rows)
    told = command.run(*LOAD, path)
    assert (told.code, told.out.splitlines()[0].partition("   ")[0]) == (
        3,
        "received 5 = loaded 4 + duplicate 0 + quarantined 1",
    )
    assert command.run("load", path).code == 1, "the file is still no file of messages"
    assert command.run(*LOAD, path).out.startswith("received 0 = ")
    assert command.run("reload").code == 0
    for number, text in enumerate(TEXTS):
        assert command.run("show", str(number)).out == text
    [item] = json.loads(command.run("quarantine", "list", "--json").out)
    assert (item["reason"], item["item"]) == ("bad_row", 4)
    assert command.run("quarantine", "replay").code == 3


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_table_is_recognized_and_its_command_printed(
    command: CommandLine, tmp_path: Path, write: Write
) -> None:
    path = write(tmp_path, [(1, TIMES[0], TEXTS[0])])
    told = command.run("load", path)
    assert told.code == 1
    assert f"`redox-warehouse {' '.join(LOAD)} PATH`" in told.err
    assert command.run(*LOAD, path).code == 0


def test_envelopes_and_several_messages_in_a_field(command: CommandLine, tmp_path: Path) -> None:
    field = json.dumps({"Messages": [{"Body": text} for text in TEXTS[:3]]})
    path = write_csv(tmp_path, [(1, TIMES[0], field), (2, TIMES[1], json.dumps({"x": TEXTS[3]}))])
    told = command.run("load", path)
    assert "--unwrap 'Messages[].Body' PATH`" in told.err
    told = command.run(*LOAD, "--unwrap", "Messages[].Body", path)
    assert told.out.startswith("received 4 = loaded 3 + duplicate 0 + quarantined 1")
    assert command.run("show", "1").out == TEXTS[1]


def test_a_wrong_column_names_the_others(command: CommandLine, tmp_path: Path) -> None:
    told = command.run("load", "--column", "body", write_csv(tmp_path, [(1, TIMES[0], TEXTS[0])]))
    assert (told.code, "columns are id, created_at, payload" in told.err) == (1, True)


@pytest.mark.parametrize("text", ["id,name\n1,x\n", "one line", '"a"\n"b"\n', "a,b\n1,2\n3", ""])
def test_other_text_is_not_taken_for_a_table(
    command: CommandLine, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "text"
    path.write_text(text)
    assert command.run("load", str(path)).code in (0, 3)
