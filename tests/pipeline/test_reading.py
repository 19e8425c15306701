"""Threads and the helper process: the same rows, findings and counts as one thread, load after load."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.kernel.run import UnitResult
from etl.pipeline.hash_key import NAME
from etl.pipeline.load import load_paths
from etl.pipeline.reading import Reading
from etl.pipeline.records import LoadSummary
from etl.pipeline.units import Unit
from etl.sections import LoadSettings
from etl.settings import Settings, read_settings
from etl.synth import Dials, write_synthetic
from etl.synth.dials import FAULTS, Shares
from tests.packaged import packaged_catalog
from tests.pipeline.small_messages import contents

LOAD_BYTES = 2**20
FEW = ("PatientAdmin", "Results", "Scheduling", "Inventory")
DAMAGED = Shares(**dict.fromkeys(FAULTS, 0.05), duplicates=0.1)


def _load(home: Path, inputs: Path, *, workers: int) -> tuple[Settings, LoadSummary]:
    own = LoadSettings(workers=workers, load_bytes=LOAD_BYTES)
    settings = read_settings(home).model_copy(update={"load": own})
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return settings, load_paths(settings, [str(inputs)], clock=lambda: now)


@pytest.mark.parametrize("models", [FEW, pytest.param((), marks=pytest.mark.slow)])
def test_threads_load_what_one_thread_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: tuple[str, ...]
) -> None:
    dials = Dials(messages=900 if models else 700, data_models=models, seed=5, shares=DAMAGED)
    write_synthetic(tmp_path / "inputs", catalog=packaged_catalog(), dials=dials)
    monkeypatch.setattr("etl.pipeline.reading.SMALL_WORK_BYTES", 0)
    monkeypatch.setattr("etl.pipeline.reading.FEW_MESSAGES", 1)
    monkeypatch.setattr("etl.pipeline.units.UNIT_BYTES", LOAD_BYTES // 4)
    ahead: list[int] = []
    read = Reading.read

    def watched(
        self: Reading, units: Sequence[Unit], following: Sequence[Unit] = ()
    ) -> Iterator[tuple[Unit, UnitResult]]:
        ahead.append(len(self._ahead))
        return read(self, units, following)

    monkeypatch.setattr(Reading, "read", watched)
    many, by_many = _load(tmp_path / "many", tmp_path / "inputs", workers=2)
    assert any(ahead), "the next load is read while this one is inserted"
    monkeypatch.setattr("etl.pipeline.reading.SMALL_WORK_BYTES", 2**40)
    shutil.copy(tmp_path / "many" / NAME, tmp_path / NAME)
    (tmp_path / "one").mkdir()
    shutil.copy(tmp_path / NAME, tmp_path / "one" / NAME)
    one, by_one = _load(tmp_path / "one", tmp_path / "inputs", workers=1)

    assert by_many == by_one
    assert by_many.loads > 2
    assert by_many.quarantined and by_many.duplicate
    of_a_home = ("core.landed_object", "core.warehouse")
    rows_of_many, rows_of_one = contents(many), contents(one)
    assert rows_of_many.keys() == rows_of_one.keys()
    assert [
        name
        for name, rows in rows_of_many.items()
        if name not in of_a_home and rows != rows_of_one[name]
    ] == []
