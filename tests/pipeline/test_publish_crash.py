"""kill -9 in the middle of a publication: readers notice nothing, the next run is whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from etl.pipeline.publish import publish
from etl.publish.folders import PublishedFolder
from etl.settings import Settings
from tests.pipeline.published_world import (
    current,
    differing_tables,
    make_home,
    make_published_home,
    note_rewritten,
    published,
)

pytestmark = pytest.mark.faults
KILLS = 5
# Stops itself by SIGKILL at the n-th call of one of the steps that change what is on disk.
_DOOMED = """
import os, signal, sys
from pathlib import Path
import etl.publish.folders as folders, etl.publish.parquet as parquet
from etl.pipeline.publish import publish
from etl.settings import read_settings
import etl.pipeline.publish as pipeline

step, count = sys.argv[2], int(sys.argv[3])
def doomed(owner, name):
    original = getattr(owner, name)
    def call(*args, **named):
        global count
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **named)
    setattr(owner, name, call)

owners = {"_copy_rows": parquet._TableWriter, "_link": parquet._TableWriter,
          "fill": pipeline, "point_to": pipeline, "to_json": pipeline,
          "adopt": folders.PublishedFolder, "make_current": folders.PublishedFolder,
          "forget": folders.PublishedFolder, "_remove": folders}
doomed(owners[step], step)
publish(read_settings(Path(sys.argv[1])), keep_versions=1)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_published_home(tmp_path)


@pytest.fixture
def unpublished(tmp_path: Path) -> Settings:
    return make_home(tmp_path)


def assert_whole(settings: Settings) -> None:
    assert differing_tables(settings) == []
    left = {path.name for path in settings.published_path.iterdir()}
    assert left == {"current", "publish.lock", "versions"}
    for path in (settings.published_path / "versions").iterdir():
        assert not path.is_symlink() and (path / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("step", "count"),
    [
        ("_copy_rows", 20),
        ("point_to", 1),
        ("to_json", 1),
        ("adopt", 1),
        ("make_current", 1),
        ("_remove", 1),
    ],
)
def test_killed_at_any_step_the_next_run_is_whole(
    settings: Settings, step: str, count: int
) -> None:
    note_rewritten(settings, 0)
    count_messages = "select count(*) from core.message"
    with published(settings) as reader:
        before = reader.execute(count_messages).fetchone()
    command = [sys.executable, "-c", _DOOMED, str(settings.home), step, str(count)]
    assert subprocess.run(command, timeout=120).returncode == -signal.SIGKILL
    with published(settings) as reader:
        assert reader.execute(count_messages).fetchone() == before
    publish(settings, keep_versions=1)
    assert_whole(settings)
    assert PublishedFolder(settings.published_path).numbers() == [2]


def test_killed_at_random_moments_the_next_run_is_whole(unpublished: Settings) -> None:
    moments = random.Random(7)
    call = "from etl.cli.main import main; main()"
    command = [sys.executable, "-c", call, "--home", str(unpublished.home), "publish"]
    for _ in range(KILLS):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _wait_for_work(unpublished, process)
        time.sleep(moments.uniform(0, 1.5))
        process.kill()
        process.wait()
    publish(unpublished)
    assert_whole(unpublished)
    assert current(unpublished).name in {"1", "2"}


def _wait_for_work(settings: Settings, process: subprocess.Popen[bytes]) -> None:
    """Python needs a second to start; kills before that would prove nothing."""
    lock = settings.published_path / "publish.lock"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if lock.exists() and _is_open(lock, process.pid):
            return
        time.sleep(0.02)


def _is_open(path: Path, pid: int) -> bool:
    folder = Path(f"/proc/{pid}/fd")
    if not folder.is_dir():
        return True
    for entry in folder.iterdir():
        try:
            if os.readlink(entry) == str(path):
                return True
        except OSError:
            continue
    return False
