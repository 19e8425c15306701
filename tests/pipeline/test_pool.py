"""Worker processes: the same rows, findings and counts as one process, load after load."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.pipeline import load as loads
from etl.pipeline import pool as pools
from etl.pipeline.load import load_paths
from etl.pipeline.records import LoadSummary
from etl.pipeline.work import Judged, Unit
from etl.settings import LoadSettings, Settings, read_settings
from etl.synth import Dials, write_synthetic
from etl.synth.dials import FAULTS, Shares
from models.catalog import read_catalog
from tests.pipeline.small_messages import contents

LOAD_BYTES = 2**20
DAMAGED = Shares(**dict.fromkeys(FAULTS, 0.05), duplicates=0.1)


def _load(home: Path, inputs: Path, *, workers: int) -> tuple[Settings, LoadSummary]:
    own = LoadSettings(workers=workers, load_bytes=LOAD_BYTES)
    settings = read_settings(home).model_copy(update={"load": own})
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return settings, load_paths(settings, [str(inputs)], clock=lambda: now)


def test_workers_load_what_one_process_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dials = Dials(messages=700, seed=5, shares=DAMAGED)
    write_synthetic(tmp_path / "inputs", catalog=read_catalog(), dials=dials)
    monkeypatch.setattr(pools, "SMALL_WORK_BYTES", 0)
    monkeypatch.setattr(loads, "SMALL_WORK_BYTES", 0)
    monkeypatch.setattr("etl.pipeline.cut.UNIT_BYTES", LOAD_BYTES // 4)
    judged_ahead = 0
    in_order = pools.Pool.judge

    def judge(pool: pools.Pool, units: tuple[Unit, ...]) -> list[Judged]:
        nonlocal judged_ahead
        judged_ahead += len(pool._ahead)
        return list(in_order(pool, units))

    monkeypatch.setattr(pools.Pool, "judge", judge)

    many, by_many = _load(tmp_path / "many", tmp_path / "inputs", workers=2)
    units_ahead = judged_ahead
    one, by_one = _load(tmp_path / "one", tmp_path / "inputs", workers=1)

    assert by_many == by_one
    assert by_many.loads > 2
    assert by_many.quarantined and by_many.duplicate
    assert units_ahead > by_many.loads, "the next load is judged while this one is inserted"
    assert judged_ahead == units_ahead, "one process judges when it comes to it"
    landed = "core.landed_object"
    rows_of_many, rows_of_one = contents(many), contents(one)
    assert rows_of_many.keys() == rows_of_one.keys()
    assert [
        name for name, rows in rows_of_many.items() if name != landed and rows != rows_of_one[name]
    ] == []
