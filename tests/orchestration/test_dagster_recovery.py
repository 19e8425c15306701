"""What was killed or failed is tried again by itself; what a person terminated waits for a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from etl.orchestration import new_files, new_loads
from etl.orchestration.attempts import Work
from etl.orchestration.new_files import BATCH_TAG
from etl.sections import OrchestrationSettings
from tests.orchestration.dagster_world import DagsterWorld, metadata_of

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
LATER = timedelta(hours=2)


def ask(world: DagsterWorld, after: timedelta = timedelta(0)) -> dg.SensorResult:
    """One look of the sensor new_files, so much later."""
    return new_files.look(world.settings, world.instance, datetime.now(UTC) + after)


def why(result: dg.SensorResult) -> str:
    """Why nothing was asked for."""
    reason = result.skip_reason
    return (reason.skip_message if isinstance(reason, dg.SkipReason) else reason) or ""


def run_requested(result: dg.SensorResult) -> dg.RunRequest:
    assert result.run_requests, why(result)
    return result.run_requests[0]


def end_without_running(world: DagsterWorld, request: dg.RunRequest, how: str) -> str:
    """A run of the request that ended: `killed`, `failed` in a step, or `terminated`."""
    definition = world.definitions.resolve_job_def("load")
    run = world.instance.create_run_for_job(
        definition, run_config=request.run_config, tags=request.tags
    )
    if how == "terminated":
        world.instance.report_run_canceled(run)
    else:
        world.instance.report_run_failed(run)
    if how == "failed":
        world.instance.add_run_tags(run.run_id, {"dagster/failure_reason": "STEP_FAILURE"})
    return run.run_id


@pytest.fixture(autouse=True)
def _a_pause(dagster_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_ORCHESTRATION__RETRY_WAIT_S", "30")


def test_pause_grows_up_to_a_limit() -> None:
    limits = OrchestrationSettings(retry_wait_s=30, longest_retry_wait_s=200)

    pauses = [
        (Work("w", "r", attempt, NOW, False, False, True).due_at(limits) - NOW).total_seconds()
        for attempt in (1, 2, 3, 4, 5, 500)
    ]

    assert pauses == [30, 60, 120, 200, 200, 200]


@pytest.mark.parametrize("how", ["killed", "failed"])
def test_load_that_ended_early_is_tried_again_after_a_pause(
    how: str, world: DagsterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("a.ndjson", messages=3)
    first = run_requested(ask(world))
    end_without_running(world, first, how)

    waits = ask(world)
    second = run_requested(ask(world, timedelta(seconds=31)))
    end_without_running(world, second, how)
    still_waits = ask(world, timedelta(seconds=31))
    third = run_requested(ask(world, timedelta(seconds=61)))

    assert not waits.run_requests and "attempt 2 starts after" in why(waits)
    assert not still_waits.run_requests
    name = first.tags[BATCH_TAG]
    assert [r.run_key for r in (first, second, third)] == [f"{name}-{n}" for n in (1, 2, 3)]
    assert [r.tags["redox_warehouse/attempt"] for r in (first, second, third)] == ["1", "2", "3"]
    result = world.run("load", run_config=third.run_config, tags=third.tags)
    assert metadata_of(result)["landed_objects"]["loaded"] == 3
    assert not ask(world, LATER).run_requests


def test_terminated_load_waits_for_a_person_and_others_go_on(world: DagsterWorld) -> None:
    world.write("a.ndjson", messages=3)
    stopped = run_requested(ask(world))
    run_id = end_without_running(world, stopped, "terminated")

    waits = ask(world, LATER)
    world.write("b.ndjson", messages=4, seed=2)
    other = run_requested(ask(world, LATER))
    world.run("load", run_config=other.run_config, tags=other.tags)
    still_waits = ask(world, LATER)

    assert f"1 source: a person terminated the load (run {run_id[:8]})" in why(waits)
    assert other.tags["redox_warehouse/files"] == "1"
    assert not still_waits.run_requests and "terminated" in why(still_waits)
    resumed = world.run("load", run_config=stopped.run_config, tags=stopped.tags)
    assert metadata_of(resumed)["landed_objects"]["loaded"] == 3
    assert why(ask(world, LATER)) == "Nothing new."


def test_new_files_do_not_wait_for_a_batch_that_fails(world: DagsterWorld) -> None:
    world.write("a.ndjson", messages=3)
    end_without_running(world, run_requested(ask(world)), "failed")
    world.write("b.ndjson", messages=4, seed=2)

    request = run_requested(ask(world))

    result = world.run("load", run_config=request.run_config, tags=request.tags)
    assert metadata_of(result)["landed_objects"]["loaded"] == 4


def test_batch_that_is_killed_again_and_again_is_halved(world: DagsterWorld) -> None:
    for number in range(4):
        world.write(f"{number}.ndjson", messages=2, seed=number)
    for _ in range(3):
        end_without_running(world, run_requested(ask(world, LATER)), "killed")

    half = run_requested(ask(world, LATER))

    assert half.tags["redox_warehouse/files"] == "2"
    result = world.run("load", run_config=half.run_config, tags=half.tags)
    assert metadata_of(result)["landed_objects"]["objects"] == 2
    assert run_requested(ask(world, LATER)).tags["redox_warehouse/files"] == "1"


def test_tags_of_a_run_say_what_it_loads(world: DagsterWorld) -> None:
    world.write("a.ndjson", messages=3)

    tags = run_requested(ask(world)).tags

    assert tags["redox_warehouse/from"] == "incoming"
    assert tags["redox_warehouse/size"] == "0.0 MB"


def publish_asked(world: DagsterWorld, after: timedelta = timedelta(0)) -> dg.SensorResult:
    return new_loads.look(world.settings, world.instance, datetime.now(UTC) + after)


def test_publishing_follows_a_load_at_once_and_waits_between_versions(world: DagsterWorld) -> None:
    before = publish_asked(world)
    world.write("a.ndjson", messages=3)
    world.run_what_sensor_asks()
    request = run_requested(publish_asked(world))
    published = world.run("publish", tags=request.tags)
    idle = publish_asked(world)
    world.write("b.ndjson", messages=3, seed=2)
    world.run_what_sensor_asks()
    soon = publish_asked(world)

    assert why(before) == "Nothing was loaded yet."
    assert published.success and metadata_of(published)["published_version"]["version"] == 1
    assert why(idle) == "Version 1 holds the last load (1)."
    assert "orchestration.publish_pause_s" in why(soon)
    assert run_requested(publish_asked(world, LATER)).run_key == "load-2-1"


def test_publishing_that_was_killed_is_tried_again(world: DagsterWorld) -> None:
    world.write("a.ndjson", messages=3)
    world.run_what_sensor_asks()
    request = run_requested(publish_asked(world))
    run = world.instance.create_run_for_job(
        world.definitions.resolve_job_def("publish"), tags=request.tags
    )
    world.instance.report_run_failed(run)

    waits = publish_asked(world)
    again = run_requested(publish_asked(world, timedelta(seconds=31)))

    assert "attempt 2 starts after" in why(waits)
    assert again.run_key == "load-1-2"


@pytest.mark.slow
def test_load_of_duplicates_is_published_once(world: DagsterWorld) -> None:
    path = world.write("a.ndjson", messages=3)
    world.run_what_sensor_asks()
    world.run("publish")
    world.put("again.ndjson", path.read_bytes() + b"\n")
    world.run_what_sensor_asks()
    request = run_requested(publish_asked(world, LATER))
    world.run("publish", tags=request.tags)

    assert why(publish_asked(world, LATER)) == "Version 2 holds the last load (2)."
