"""Killed executors, killed drivers and drivers that race never show half of anything."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from etl.errors import PermanentError
from etl.lake.driver import load_lake
from etl.pipeline.sources import Sources
from etl.synth import Dials
from etl.warehouse.lake import LakeFolder, LakeVersion
from tests.delta.spark import require_executors
from tests.lake.lake_world import FEW_MODELS, LakeWorld, clock, small_units
from tests.lake.parity import differences

pytestmark = pytest.mark.spark

EXECUTOR = b"CoarseGrainedExecutorBackend"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeWorld]:
    """Messages in two folders, loaded locally one after the other."""
    world = LakeWorld(tmp_path_factory.mktemp("sources"))
    with pytest.MonkeyPatch.context() as patch:
        small_units(patch, 2**17)
        for number, name in enumerate(("first", "second")):
            path = world.write(name, Dials(messages=120, data_models=FEW_MODELS, seed=number))
            world.load_locally(path)
        yield world


@pytest.fixture
def world(sources: LakeWorld, tmp_path: Path) -> LakeWorld:
    """A new lake beside the local home of the same messages."""
    world = LakeWorld(sources.folder)
    world.lake = tmp_path / "lake"
    world.folder_of_lake = LakeFolder(world.lake)
    return world


def load(world: LakeWorld, spark: Any, *names: str) -> None:
    for name in names:
        world.load_by(spark, world.folder / name)


class Killer(threading.Thread):
    """Kills an executor while messages are identified, and all while their rows are written.

    Of two that write, one may not have written yet: killing only that one would leave nothing behind.
    """

    def __init__(self, spark: Any, lake: Path) -> None:
        super().__init__(daemon=True)
        self.tracker = spark.sparkContext.statusTracker()
        self.lake = lake
        self.killed: list[str] = []
        self.is_wanted = True

    def run(self) -> None:
        moments = (("reading", self.is_reading, 1), ("writing", self.is_writing, None))
        for moment, is_now, most in moments:
            while self.is_wanted and not is_now():
                time.sleep(0.01)
            if self.is_wanted and kill_executors(most):
                self.killed.append(moment)

    def is_reading(self) -> bool:
        return bool(self.tracker.getActiveStageIds()) and not self.is_writing()

    def is_writing(self) -> bool:
        return len(list(self.lake.glob("lake/data/**/*.parquet"))) > 10

    def stop(self) -> None:
        self.is_wanted = False
        self.join()


def executors() -> list[int]:
    """The executors of our own session: Java processes below this one."""
    parents, arguments = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked
            state = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(state[1])
            arguments[int(folder.name)] = (folder / "cmdline").read_bytes()

    def is_ours(pid: int) -> bool:
        while pid in parents:
            pid = parents[pid]
            if pid == os.getpid():
                return True
        return False

    return [pid for pid, own in arguments.items() if EXECUTOR in own and is_ours(pid)]


def kill_executors(most: int | None) -> int:
    """Kill executors, at most so many, as machines that fail would; gives how many that were."""
    pids = executors()[:most]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return len(pids)


def test_killed_executors_leave_files_that_no_version_names(world: LakeWorld, spark: Any) -> None:
    require_executors()
    killer = Killer(spark, world.lake)
    killer.start()
    load(world, spark, "first")
    killer.stop()
    assert killer.killed == ["reading", "writing"]
    assert world.folder_of_lake.newest() == 1
    assert world.orphans(), "work that was killed left files"
    load(world, None, "second")
    assert differences(world.local, world.lake) == []
    assert world.orphans() == set(), "the next load removed them"


_KILLED_DRIVER = """
import os, sys
from pathlib import Path
from etl.lake import driver
from etl.pipeline import units
from etl.warehouse.lake import LakeFolder
from tests.delta.spark import spark_session
from tests.lake.lake_world import LakeWorld

units.UNIT_BYTES = 2**17
moment, folder, lake = sys.argv[1:]
put = LakeFolder.put
def put_and_die(self, version):
    if moment == "after":
        assert put(self, version)
    os._exit(9)
LakeFolder.put = put_and_die
world = LakeWorld(Path(folder))
world.lake = Path(lake)
world.folder_of_lake = LakeFolder(world.lake)
if moment == "after":
    world.load_by(None, world.folder / "first")
with spark_session() as spark:
    world.load_by(spark, world.folder / "first")
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_driver_killed_around_its_version(world: LakeWorld, spark: Any, moment: str) -> None:
    """Before it is put with executors that wrote; after it, what they did is done."""
    done = subprocess.run(
        [sys.executable, "-c", _KILLED_DRIVER, moment, str(world.folder), str(world.lake)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
        env={**os.environ, "SPARK_TESTS": "local[2]"},
    )  # fmt: skip
    assert done.returncode == 9, done.stderr
    is_put = moment == "after"
    assert world.folder_of_lake.newest() == is_put
    written = world.orphans()
    assert bool(written) is not is_put
    load(world, spark, "first")
    load(world, None, "second")
    assert differences(world.local, world.lake) == []
    assert world.folder_of_lake.newest() == 2
    assert world.orphans() == set(), "the first load after the kill removed them"


def test_of_two_drivers_the_second_numbers_again(
    world: LakeWorld, spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's home is a copy, as if it had not seen our lock; its version comes first."""
    other = LakeWorld(world.folder)
    other.lake = tmp_path / "other"
    other.folder_of_lake = LakeFolder(other.lake)
    load(other, None, "first")
    put = LakeFolder.put
    taken: list[int] = []

    def put_after_the_other(self: LakeFolder, version: LakeVersion) -> bool:
        if not taken:
            for name in ("landing", "lake"):
                shutil.copytree(other.lake / name, world.lake / name, dirs_exist_ok=True)
        done = put(self, version)
        taken.append(done)
        return done

    monkeypatch.setattr(LakeFolder, "put", put_after_the_other)
    load(world, spark, "second")
    assert taken == [False, True]
    assert world.folder_of_lake.newest() == 2
    assert differences(world.local, world.lake) == []
    assert world.orphans(), "what was numbered in vain"


def test_an_executor_that_fails_says_so_without_data(world: LakeWorld, spark: Any) -> None:
    world.share_key(world.lake)
    settings = world.settings(world.lake)

    def load_without_key() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("etl.lake.driver.mark_of_key", lambda _: "another")
            load_lake(settings, spark, Sources({}).list([str(world.folder / "first")]), clock=clock)

    with pytest.raises(PermanentError, match="does not find the home"):
        load_without_key()
    assert world.folder_of_lake.newest() == 0
