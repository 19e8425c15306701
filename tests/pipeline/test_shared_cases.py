"""Inputs that failed for others, from the command line: each gives what its list says."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from etl.settings import read_settings
from tests.pipeline.command import CommandLine
from tests.pipeline.shared_cases import (
    CASES,
    CHECK,
    EXPECTED,
    FALSE_HEADERS,
    FOLDER,
    ODD_FOLDERS,
    needs_cases,
)

PROJECT = Path(__file__).parents[2]
pytestmark = needs_cases


def load(command: CommandLine, *arguments: str) -> Counter[str]:
    told = command.run("load", "--json", *arguments)
    assert "Traceback" not in told.err
    counts = json.loads(told.out)
    return Counter({name: counts[name] for name in ("loaded", "duplicate", "quarantined")})


def test_cases_give_what_their_list_says(command: CommandLine) -> None:
    """In one home, as that is quicker: what an earlier case has brought is a duplicate."""
    wrong = {}
    for case in CASES:
        counts = load(command, *case.options, str(case.path))
        known = counts["duplicate"] if counts["loaded"] < case.loaded else 0
        if not case.agrees(counts + Counter(loaded=known)):
            wrong[case.name] = counts
    assert wrong == {}
    database = str(read_settings(command.home).warehouse_path)
    with duckdb.connect(database, read_only=True) as connection:
        within_one_file = connection.execute(
            "select count(*) from core.duplicate_delivery d "
            "join core.message m on m.message_id = d.duplicate_of and m.object_id = d.object_id"
        ).fetchall()
    assert within_one_file == [(0,)]


@pytest.mark.slow
def test_each_case_as_a_process_of_its_own() -> None:
    program = PROJECT / ".venv" / "bin" / "redox-warehouse"
    if not program.exists():
        pytest.skip("the program is not installed in .venv")
    checked = subprocess.run(
        [sys.executable, str(CHECK), str(EXPECTED), str(FOLDER)],
        cwd=PROJECT, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell")
def test_odd_folders_cost_no_good_file(command: CommandLine, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    subprocess.run(["sh", str(ODD_FOLDERS), str(odd)], check=True)
    told = command.run("load", "--json", str(odd))
    counts = json.loads(told.out)
    assert (told.code in (1, 3), "Traceback" in told.err) == (True, False)
    assert counts["loaded"] == 3 * 5 + 2, "three of each folder, the odd name, the linked folder"
    assert sum(counts["left_out"].values()) >= 2, counts["left_out"]


def test_false_record_headers_are_loaded(command: CommandLine, tmp_path: Path) -> None:
    segment = tmp_path / "damaged.seg"
    segment.write_bytes(gzip.decompress(FALSE_HEADERS.read_bytes()))
    load(command, str(segment))


def test_a_data_model_that_is_a_number_is_no_meta(command: CommandLine) -> None:
    load(command, str(FOLDER / "datamodel_number_wrong_reason.json"))
    [item] = json.loads(command.run("quarantine", "list", "--json").out)
    assert item["reason"] == "no_meta"
