"""Inputs that failed for others, through the sensor and its run: each gives what its list says."""

from __future__ import annotations

from etl.orchestration.loading import LoadConfig, run_load
from etl.pipeline.records import no_progress
from tests.orchestration.dagster_world import DagsterWorld
from tests.pipeline.shared_cases import CASES, counts_by_name, needs_cases

pytestmark = needs_cases


def test_cases_through_the_sensor(world: DagsterWorld) -> None:
    plain = [case for case in CASES if not case.options]
    for case in plain:
        world.put(case.name, case.path.read_bytes())

    assert world.run_what_sensor_asks() is not None

    counts = counts_by_name(world.settings)
    wrong = {
        case.name: counts.get(case.name) for case in plain if not case.agrees(counts[case.name])
    }
    assert wrong == {}


def test_envelopes_through_a_run(world: DagsterWorld) -> None:
    for case in CASES:
        if case.options[:1] == ("--unwrap",):
            config = LoadConfig(paths=[str(case.path)], unwrap=case.options[1])
            run_load(world.settings, config, no_progress)
            assert case.agrees(counts_by_name(world.settings)[case.name])
