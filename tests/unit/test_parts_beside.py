"""Parts of a home from different times are noticed from the files beside the warehouse alone."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from etl.orchestration import new_files
from etl.settings import read_settings
from etl.warehouse.identity import Commit, Note, fault_beside

FIRST = Commit("a" * 32, 1, 5, 0, 5, 0, 0, 5, 0)
SECOND = replace(FIRST, epoch="b" * 32, load_id=2, received=9, loaded=9, next_message_id=9)


def put(home: Path, *, here: Note, landing: Note, warehouse: bool = True) -> None:
    (home / "landing").mkdir(parents=True)
    for path, note in ((home / "commit.json", here), (home / "landing" / "commit.json", landing)):
        path.write_text(json.dumps(asdict(note)))
    if warehouse:
        (home / "warehouse.duckdb").touch()


def test_what_belongs_together_is_no_fault(tmp_path: Path) -> None:
    assert fault_beside(tmp_path / "new") == ""
    put(tmp_path / "same", here=Note(SECOND), landing=Note(SECOND))
    put(tmp_path / "killed", here=Note(FIRST, SECOND), landing=Note(FIRST))
    assert fault_beside(tmp_path / "same") == fault_beside(tmp_path / "killed") == ""


def test_parts_of_other_times_are_named_with_what_to_run(tmp_path: Path) -> None:
    put(tmp_path / "stale", here=Note(FIRST), landing=Note(SECOND))
    put(tmp_path / "gone", here=Note(FIRST), landing=Note(FIRST), warehouse=False)
    assert "landing knows load 2" in fault_beside(tmp_path / "stale")
    assert "5 messages were loaded" in fault_beside(tmp_path / "gone")
    for name in ("stale", "gone"):
        assert "redox-warehouse recover" in fault_beside(tmp_path / name)


def test_the_sensor_asks_for_no_run_and_proposes_recover(tmp_path: Path) -> None:
    put(tmp_path / "home", here=Note(FIRST), landing=Note(SECOND))
    settings = read_settings(tmp_path / "home")
    result = new_files.look(settings, cast(Any, None), datetime.now(UTC))
    assert not result.run_requests
    assert result.skip_reason and "redox-warehouse recover" in str(result.skip_reason)
