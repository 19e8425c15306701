"""A run lives as long as its process: the lock shows it, whoever started the process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from etl.orchestration.run_lock import (
    Liveness,
    announce_run,
    check_run,
    hold_run_lock,
    lock_file,
)

RUN = "0a1b2c3d"


def hold(storage: Path, is_held: Event) -> None:
    with hold_run_lock(storage, RUN):
        is_held.set()
        time.sleep(600)


def test_killed_process_is_dead_and_a_living_one_is_not(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    is_held = context.Event()
    announce_run(tmp_path, RUN)
    process = context.Process(target=hold, args=(tmp_path, is_held))
    process.start()
    try:
        assert is_held.wait(60)
        living = check_run(tmp_path, RUN, grace_s=0)
    finally:
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join(10)

    assert living is Liveness.ALIVE
    assert check_run(tmp_path, RUN, grace_s=0) is Liveness.DEAD
    process.close()


def test_run_that_just_started_has_time_to_take_its_lock(tmp_path: Path) -> None:
    announce_run(tmp_path, RUN)

    assert check_run(tmp_path, RUN, grace_s=60) is Liveness.ALIVE
    assert check_run(tmp_path, RUN, grace_s=0) is Liveness.DEAD


def test_of_runs_without_a_lock_nothing_is_known(tmp_path: Path) -> None:
    assert check_run(tmp_path, RUN, grace_s=0) is Liveness.UNKNOWN

    with hold_run_lock(tmp_path, RUN):
        pass

    assert check_run(tmp_path, RUN, grace_s=0) is Liveness.UNKNOWN


def test_locks_of_runs_long_over_are_removed(tmp_path: Path) -> None:
    announce_run(tmp_path, "old")
    os.utime(lock_file(tmp_path, "old"), (0, 0))

    announce_run(tmp_path, RUN)

    assert [path.name for path in lock_file(tmp_path, RUN).parent.iterdir()] == [RUN]
