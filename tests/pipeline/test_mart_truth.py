"""Every mart, row by row, against what scenarios say is true in the end, however they arrive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from etl.pipeline.load import load_paths
from etl.settings import read_settings
from etl.synth.scenarios import ScenarioDials, write_scenarios
from etl.synth.scenarios.dials import Arrival
from tests.pipeline.mart_build import opened_marts
from tests.pipeline.mart_truth import COMPARED, differences

NOT_KEPT = "select mart, test, violations from quality.mart_check where not is_passed"


def compare(folder: Path, **dials: Any) -> tuple[list[str], list[Any]]:
    """What differs from the truth, and which tests of the marts are broken."""
    written, truth = folder / "messages", folder / "truth"
    write_scenarios(written, dials=ScenarioDials(**dials), truth=truth)
    settings = read_settings(folder / "home")
    load_paths(settings, [str(written / "events")])
    load_paths(settings, [str(written / "replies")], unwrap="body")
    with opened_marts(settings, folder / "built") as connection:
        found = [text for one in COMPARED for text in differences(connection, truth, one)]
        return found, connection.execute(NOT_KEPT).fetchall()


@pytest.mark.parametrize("patients", [100, pytest.param(250, marks=pytest.mark.slow)])
def test_marts_are_the_truth_of_late_messages(tmp_path: Path, patients: int) -> None:
    assert compare(tmp_path, patients=patients, late=0.2) == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize(
    "delivery",
    [{}, {"arrival": Arrival.SHUFFLED}, {"late": 0.2}],
    ids=["order", "shuffled", "late"],
)
def test_marts_are_the_truth_of_20_000_patients(tmp_path: Path, delivery: dict[str, Any]) -> None:
    assert compare(tmp_path, patients=20_000, seed=7, **delivery) == ([], [])
