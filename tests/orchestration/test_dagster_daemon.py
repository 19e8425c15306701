"""Runs are killed under a real daemon; everything is loaded once and nobody has to come."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from etl.doctor.dagster_home import check_dagster
from tests.orchestration.daemon_world import DaemonWorld, open_daemon_world


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonWorld]:
    with open_daemon_world(tmp_path) as world:
        yield world


def stored(daemon: DaemonWorld) -> tuple[int, int]:
    """Messages in the warehouse, and how many of them differ."""
    path = str(daemon.home / "warehouse.duckdb")
    with duckdb.connect(path, read_only=True) as connection:
        query = "select count(*), count(distinct content_hash) from core.message"
        return connection.execute(query).fetchall()[0]


def test_killed_load_is_loaded_by_the_next_run(daemon: DaemonWorld) -> None:
    expected = daemon.put(1, 200)
    daemon.start()
    killed = daemon.kill_run("load")
    killed_at = time.time()

    daemon.wait_for_messages(expected)

    assert stored(daemon) == (expected, expected)
    newest, *_ = daemon.runs("load", dg.DagsterRunStatus.SUCCESS)
    assert newest.tags["redox_warehouse/batch"] == killed.tags["redox_warehouse/batch"]
    assert newest.tags["redox_warehouse/attempt"] == "2"
    assert newest.run_id != killed.run_id
    assert daemon.created_at(newest) - killed_at < 120
    assert not daemon.instance.event_log_storage.get_concurrency_run_ids()


@pytest.mark.faults
def test_many_kills_of_everything_need_nobody(daemon: DaemonWorld) -> None:
    chance = random.Random(20261128)
    expected = sum(daemon.put(seed, 1_500) for seed in range(3))
    daemon.start()
    recoveries: list[float] = []
    for kill in range(10):
        killed = daemon.kill_run("load", after_s=chance.uniform(0, 6))
        killed_at = time.time()
        if kill in (3, 7):
            daemon.kill_daemon()
            daemon.start()
        expected += daemon.put(100 + kill, 300)
        daemon.wait_for(
            lambda old=killed.run_id: [
                run for run in daemon.runs("load", dg.DagsterRunStatus.STARTED) if run.run_id != old
            ],
            "run after the kill",
        )
        recoveries.append(time.time() - killed_at)
    daemon.kill_run("publish")
    daemon.wait_for(lambda: daemon.runs("publish", dg.DagsterRunStatus.SUCCESS), "version")
    daemon.wait_for_messages(expected)

    print(f"seconds from kill to next run: {[round(seconds) for seconds in recoveries]}")
    assert stored(daemon) == (expected, expected)
    assert max(recoveries) < 120
    problems = [check for check in check_dagster(daemon.home / "dagster") if check.state != "ok"]
    assert not problems
