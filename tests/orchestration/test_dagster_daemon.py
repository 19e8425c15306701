"""Runs are killed under a real daemon; everything is loaded once and nobody has to come."""

from __future__ import annotations

import itertools
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


@pytest.fixture
def impatient_daemon(tmp_path: Path) -> Iterator[DaemonWorld]:
    with open_daemon_world(tmp_path, is_impatient=True) as world:
        yield world


def test_killed_load_is_loaded_by_the_next_run(impatient_daemon: DaemonWorld) -> None:
    daemon = impatient_daemon
    expected = daemon.put(1, 200)
    daemon.start()
    killed = daemon.kill_run("load")
    killed_at = time.time()
    assert killed is not None

    daemon.wait_for_messages(expected)

    assert stored(daemon) == (expected, expected)
    newest, *_ = daemon.runs("load", dg.DagsterRunStatus.SUCCESS)
    assert newest.tags["redox_warehouse/batch"] == killed.tags["redox_warehouse/batch"]
    assert newest.tags["redox_warehouse/attempt"] == "2"
    assert newest.run_id != killed.run_id
    assert daemon.created_at(newest) - killed_at < 120
    assert not daemon.instance.event_log_storage.get_concurrency_run_ids()


LOADS_KILLED = 10
DAEMON_KILLED_WITH = (3, 7)
LONGEST_S = 120


@pytest.mark.faults
def test_many_kills_of_everything_need_nobody(daemon: DaemonWorld) -> None:
    chance = random.Random(20261128)
    expected = sum(daemon.put(seed, 1_500) for seed in range(3))
    daemon.start()
    loads, added = kill_loads(daemon, chance, expected)
    daemon.wait_for_messages(expected + added)
    publication, more = kill_publication(daemon, chance)
    report = kill_report(daemon, chance)
    daemon.wait_for(lambda: not daemon.busy(), "rest")

    expected += added + more
    print(f"seconds to the next load: {[round(seconds) for seconds in loads]}, ", end="")
    print(f"to the version: {publication:.0f}, to the report: {report:.0f}")
    assert stored(daemon) == (expected, expected)
    assert max(*loads, publication, report) < LONGEST_S
    problems = [check for check in check_dagster(daemon.home / "dagster") if check.state != "ok"]
    assert not problems


def kill_loads(daemon: DaemonWorld, chance: random.Random, before: int) -> tuple[list[float], int]:
    """Kill ten loads at random moments, the daemon with two; return seconds and messages added.

    `before` are the messages that wait already. A load that is killed after its commit has nothing
    left for a next one.
    """
    seconds: list[float] = []
    added = 0
    while len(seconds) < LOADS_KILLED:
        added += daemon.put(1_000 + added, 300)
        killed = daemon.kill_run("load", after_s=chance.uniform(0, 8))
        if killed is None:
            continue
        if len(seconds) in DAEMON_KILLED_WITH:
            daemon.kill_daemon()
            daemon.start()
        seconds.append(seconds_to_next(daemon, "load", killed, all_of=before + added))
    return seconds, added


def kill_publication(daemon: DaemonWorld, chance: random.Random) -> tuple[float, int]:
    """Kill a publication; return seconds until its version is there, and messages added."""
    added, killed = 0, None
    while killed is None:
        added += daemon.put(100_000 + added, 300)
        killed = daemon.kill_run("publish", after_s=chance.uniform(0, 8))
    return seconds_to_next(daemon, "publish", killed, dg.DagsterRunStatus.SUCCESS), added


def kill_report(daemon: DaemonWorld, chance: random.Random) -> float:
    """Kill a report that a person launched; return the seconds until it is written."""
    killed = None
    while killed is None:
        daemon.launch("reliability")
        killed = daemon.kill_run("reliability", after_s=chance.uniform(0, 8))
    return seconds_to_next(daemon, "reliability", killed, dg.DagsterRunStatus.SUCCESS)


def seconds_to_next(
    daemon: DaemonWorld,
    job: str,
    killed: dg.DagsterRun,
    *statuses: dg.DagsterRunStatus,
    all_of: int | None = None,
) -> float:
    """Wait for a later run of the job, in one of the statuses; return seconds since now.

    Or until so many messages are loaded, where their number is given.
    """
    killed_at = time.time()
    wanted = statuses or (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS)

    def later() -> bool:
        if all_of is not None and daemon.loaded() >= all_of:
            return True
        newer = itertools.takewhile(lambda run: run.run_id != killed.run_id, daemon.runs(job))
        return any(run.status in wanted for run in newer)

    daemon.wait_for(later, f"{job} after a kill")
    return time.time() - killed_at
