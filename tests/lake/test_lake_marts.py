"""Marts, verdicts and every other table that is published are the same from a lake and a local home."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from etl.pipeline.publish import publish
from etl.synth.scenarios import ScenarioDials, write_scenarios
from tests.lake.lake_world import LakeWorld, clock, small_units
from tests.lake.parity import differences, published_differences

PATIENTS = 600
SOME_ROWS = ("mart.patient", "mart.encounter", "mart.lab_result", "quality.field_verdict")


def load_and_publish(world: LakeWorld, patients: int) -> tuple[Path, Path]:
    """What happened to patients, then replies in envelopes, in both homes; their first versions."""
    messages = world.folder / "messages"
    written = write_scenarios(messages, dials=ScenarioDials(patients=patients), truth=None)
    for name, unwrap, count in (
        ("events", "", written.events),
        ("replies", "body", written.replies),
    ):
        ours = world.load_locally(messages / name, unwrap=unwrap)
        theirs = world.load_here(messages / name, unwrap=unwrap)
        assert ours.to_json() == theirs.to_json()
        assert ours.loaded == count > 0
    homes = (world.local, world.here)
    ours, theirs = (publish(world.settings(home), clock=clock).folder for home in homes)
    return Path(ours), Path(theirs)


@pytest.mark.slow  # what is published of fewer messages is compared in tests/pipeline/test_roll_up.py
def test_marts_and_verdicts_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_units(monkeypatch)
    world = LakeWorld(tmp_path)
    ours, theirs = load_and_publish(world, PATIENTS)
    assert published_differences(ours, theirs) == []
    assert differences(world.local, world.here) == []
    with duckdb.connect(str(theirs / "warehouse.duckdb"), read_only=True) as connection:
        for name in SOME_ROWS:
            assert connection.execute(f"select count(*) from {name}").fetchall()[0][0], name
