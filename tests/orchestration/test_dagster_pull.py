"""A day of queries is a partition; its replies are loaded like any other file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.orchestration.dagster_world import DagsterWorld, logged, metadata_of, said
from tests.pull.builders import API_KEY, FAST, SECRET, make_query, write_requests
from tests.standin.faults import Fault
from tests.standin.redox import StandIn
from tests.standin.serve import catalog_replies, serve

DAY = "2026-01-05"
SHAPES = (
    "replies_with_errors",
    "replies_under_query_event",
    "replies_of_another_event_type",
    "empty_replies",
    "replies_without_time",
)


@pytest.fixture
def standin(
    dagster_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[StandIn]:
    with serve(StandIn(catalog_replies())) as running:
        running.login.api_key, running.login.secret = API_KEY, SECRET
        # a busy machine may be slow to answer, and an answer asked for twice is not the odd one
        own = {"api_key": API_KEY, "secret": SECRET, "timeout_s": 60.0}
        section = running.settings() | FAST | own
        monkeypatch.setenv("REDOX_WAREHOUSE_PULL", json.dumps(section))
        write_requests(tmp_path / "home" / "requests", [make_query("P1"), make_query("P2")])
        yield running


def test_a_day_is_asked_once_and_its_replies_are_loaded(
    standin: StandIn, world: DagsterWorld
) -> None:
    first = world.run("pull_replies", partition_key=DAY)
    again = world.run("pull_replies", partition_key=DAY)
    loaded = world.run_what_sensor_asks()

    assert first.success and again.success
    assert metadata_of(first)["pulled_replies"]["replies_landed"] == 2
    assert metadata_of(again)["pulled_replies"]["replies_landed"] == 0
    assert metadata_of(again)["pulled_replies"]["answered_before"] == 2
    assert loaded is not None
    assert metadata_of(loaded)["landed_objects"]["loaded"] == 2
    assert "redox/patient_search" in metadata_of(loaded)


def test_a_day_with_a_failed_request_is_red_until_it_was_answered(
    standin: StandIn, world: DagsterWorld
) -> None:
    standin.faults.add([Fault(status=400)])
    failed = world.run("pull_replies", partition_key=DAY)

    assert not failed.success
    assert said(failed).startswith("1 of 2 requests of this day failed (1 status_400); ")

    again = world.run("pull_replies", partition_key=DAY)
    assert again.success
    numbers = metadata_of(again)["pulled_replies"]
    assert (numbers["replies_landed"], numbers["answered_before"]) == (1, 1)
    assert "failures" not in numbers


def test_odd_replies_are_shown_as_what_they_are_and_loaded(
    standin: StandIn, world: DagsterWorld, tmp_path: Path
) -> None:
    write_requests(tmp_path / "home" / "requests", [make_query(f"P{n}") for n in range(5)])
    odd = [
        Fault(errors=True),
        Fault(event_type="Query"),
        Fault(event_type="Arrival"),
        Fault(empty=True),
        Fault(timeless=True),
    ]
    standin.faults.add(odd)
    standin.queries.is_recorded = False  # as documented: everything that can be odd is well

    pulled = world.run("pull_replies", partition_key=DAY)
    loaded = world.run_what_sensor_asks()

    told = metadata_of(pulled)["pulled_replies"]
    assert (told["replies_landed"], told["failed"]) == (5, 0)
    assert [told[name] for name in SHAPES] == [1] * len(SHAPES)
    said_of = [line.partition(": ")[2].partition(";")[0] for line in logged(world, pulled)]
    assert said_of == [
        "Replies that list errors (Meta.Errors): 1",
        "Replies that have a different data model or event type from what was requested: 1",
        "Replies that hold nothing but Meta: 1",
        "Replies that have no Meta.EventDateTime: 1",
    ]
    assert loaded is not None
    assert metadata_of(loaded)["landed_objects"]["loaded"] == 5
    with duckdb.connect(str(world.settings.warehouse_path), read_only=True) as connection:
        kinds = connection.execute(
            "select event_type, read_as, count(*) from core.message group by all order by all"
        ).fetchall()
        rules = connection.execute("select distinct rule from quality.finding_count").fetchall()
    assert ("Query", "Response", 1) in kinds
    assert ("reply_under_query_event",) in rules


def test_asking_anew_sends_the_queries_again(standin: StandIn, world: DagsterWorld) -> None:
    world.run("pull_replies", partition_key=DAY)
    config = {"ops": {"pulled_replies": {"config": {"ask_anew": True}}}}

    again = world.run("pull_replies", partition_key=DAY, run_config=config)

    assert metadata_of(again)["pulled_replies"]["replies_landed"] == 2


def test_days_are_partitions_of_the_asset(world: DagsterWorld) -> None:
    definition = world.definitions.resolve_job_def("pull_replies").partitions_def

    assert definition is not None
    keys = definition.get_partition_keys()
    assert keys[0] == "2026-01-01" and "2026-01-31" in keys


def test_pull_without_requests_says_what_is_missing(world: DagsterWorld) -> None:
    assert "requests" in said(world.run("pull_replies", partition_key=DAY))
