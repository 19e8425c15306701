"""kill -9 of the real command, again and again: it goes on where it was, nothing twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from etl.pipeline.pull import PullRequest, pull
from etl.pull.journal import read_answered
from etl.settings import Settings
from tests.pull.builders import landed_ids, make_home, make_query, write_requests
from tests.standin.faults import Fault
from tests.standin.redox import StandIn

COMMAND = [sys.executable, "-c", "from etl.cli.pull import pull; pull()"]
REQUESTS, KILLS = 120, 3


def start_pull(settings: Settings, requests: Path) -> subprocess.Popen[bytes]:
    given = settings.pull.model_dump(exclude_defaults=True)
    given |= {"api_key": "a-legacy-key", "secret": "a-legacy-secret"}
    prefix = "REDOX_WAREHOUSE_"
    settled = {f"{prefix}PULL__{name.upper()}": str(value) for name, value in given.items()}
    environment = os.environ | settled | {f"{prefix}HOME": str(settings.home)}
    return subprocess.Popen(
        [*COMMAND, str(requests)], env=environment, cwd=Path(__file__).parents[2]
    )


def wait_for(standin: StandIn, answered: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while sum(standin.queries.asked.values()) < answered and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.faults
def test_a_killed_pull_asks_only_what_is_missing(tmp_path: Path, standin: StandIn) -> None:
    settings = make_home(tmp_path, standin, segment_bytes=4000, parallel=6)
    queries = [make_query(f"P{number:03}") for number in range(REQUESTS)]
    requests = write_requests(tmp_path / "requests", queries)
    standin.faults.always = Fault(slow_s=0.03)
    killed_with = 0
    for kill in range(1, KILLS + 1):
        process = start_pull(settings, requests)
        wait_for(standin, kill * REQUESTS // (KILLS + 2), process)
        process.kill()
        assert process.wait() == -9
        known = len({key for key, _, _ in read_answered(settings.home / "pull")})
        assert known > killed_with
        killed_with = known
    time.sleep(0.5)  # what was on its way when the process died arrives and is counted
    asked_before = sum(standin.queries.asked.values())
    last = pull(settings, PullRequest((requests,)))
    assert (last.landed_before, last.landed) == (killed_with, REQUESTS - killed_with)
    assert sum(standin.queries.asked.values()) == asked_before + REQUESTS - killed_with
    assert landed_ids(settings) == [f"P{number:03}" for number in range(REQUESTS)]
    asked_twice = sum(standin.queries.asked.values()) - REQUESTS
    assert asked_twice <= KILLS * settings.pull.parallel
