"""What is not taken below the paths is counted by reason, in the run and where files arrive."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.orchestration.arrivals import observe_arrivals
from etl.orchestration.loading import LoadConfig, run_load
from etl.orchestration.metadata import left_out_metadata
from etl.pipeline.records import no_progress
from etl.pipeline.watch import find_waiting
from etl.settings import Settings, read_settings
from etl.sources.folders import foreign_endings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "inputs"
    folder.mkdir()
    for name in ("scan.PDF", "photo.jpg", "_SUCCESS", "b.json.tmp"):
        (folder / name).write_bytes(b"x")
    (folder / "a.json").write_text(json.dumps({"Meta": {"DataModel": "Notes"}}))
    old = time.time() - 100
    for path in folder.iterdir():
        os.utime(path, (old, old))
    return folder


@pytest.fixture
def settings(tmp_path: Path, folder: Path) -> Settings:
    return read_settings(tmp_path / "home", watch={"paths": [str(folder)]})


EXPECTED = {
    "left_out": 4,
    "left_out_because": "a kind of file that holds no messages: 2; its name begins with . or _: 1; "
    "its name says that it is not complete: 1",
}


def test_a_run_counts_what_it_left_out(settings: Settings, folder: Path) -> None:
    batch = run_load(settings, LoadConfig(paths=[str(folder)]), no_progress)
    assert (batch.loaded.loaded, left_out_metadata(batch.left_out)) == (1, EXPECTED)


def test_arrivals_count_what_is_left_out(settings: Settings) -> None:
    now = datetime.now(UTC)
    [seen] = observe_arrivals(settings, find_waiting(settings, now), now)
    assert {name: seen.metadata[name].value for name in EXPECTED} == EXPECTED


def test_nothing_left_out_is_not_mentioned() -> None:
    assert left_out_metadata(()) == {}


def test_endings_are_plain_and_hold_no_kind_that_loads() -> None:
    assert all(ending == ending.lower().strip(".") for ending in foreign_endings())
    assert not foreign_endings() & {"json", "jsonl", "ndjson", "gz", "zst", "csv", "parquet", "txt"}
