"""kill -9 at random moments: the next load completes, and the warehouse is as if nothing happened."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.pipeline import hash_key
from etl.pipeline.reading import SMALL_WORK_BYTES
from etl.settings import Settings, read_settings
from etl.synth import Dials, write_synthetic
from etl.synth.dials import Output, Shares
from etl.warehouse import identity
from etl.warehouse.connection import open_warehouse
from etl.warehouse.schema import existing_columns
from tests.packaged import packaged_catalog

LEFT_OUT = {
    "load_id",
    "resolved_load_id",
    "started_at",
    "finished_at",
    "landed_at",
    "quarantined_at",
}
PER_LOAD = {"core.load", "core.load_part", "core.slice_change", "core.landed_object"}
HELPERS = 3  # a tracker, the process that forks, and the helper of the exact way
SHARES = Shares(duplicates=0.1, malformed=0.05, unlisted_keys=0.05, misfits=0.05)


def _command(settings: Settings, folder: Path) -> list[str]:
    return [
        sys.executable, "-m", "etl.cli", "--home", str(settings.home), "load", str(folder), "--json",
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    return os.environ | {
        "REDOX_WAREHOUSE_LOAD__LOAD_BYTES": str(2**20),
        "REDOX_WAREHOUSE_LOAD__WORKERS": "2",
    }


def _run(settings: Settings, folder: Path) -> float:
    started = time.monotonic()
    done = subprocess.run(
        _command(settings, folder), env=_environment(), capture_output=True, check=False
    )
    assert done.returncode in (0, 3), done.stderr
    return time.monotonic() - started


def _is_killed(settings: Settings, folder: Path, after_s: float) -> bool:
    """Whether the load still ran after so many seconds, and was killed."""
    with subprocess.Popen(
        _command(settings, folder), env=_environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            assert process.wait(after_s) in (0, 3)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True
    return False


def _content(settings: Settings) -> dict[str, list[str]]:
    """Every table as sorted text rows, without load ids and times."""
    content = {}
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        for table, columns in sorted(existing_columns(connection).items()):
            if table in PER_LOAD:
                continue
            kept = [name for name in columns if name not in LEFT_OUT]
            names = ", ".join(f'"{name}"' for name in kept)
            query = f"select cast(row({names}) as varchar) from {table} order by 1"
            if table == "core.warehouse":  # a commit's epoch is random
                query = query.replace("order by", f"where name <> '{identity.ROW_NAME}' order by")
            if table == "quality.finding_count":  # one row per load: add them up
                keys = ", ".join(name for name in kept if name not in ("findings", "messages"))
                row = f"row({keys}, sum(findings), sum(messages))"
                query = f"select cast({row} as varchar) from {table} group by {keys} order by 1"
            content[table] = [row[0] for row in connection.execute(query).fetchall()]
        totals = (
            "select sum(received), sum(loaded), sum(duplicate), sum(quarantined) from core.load"
        )
        content["ledger"] = [str(connection.execute(totals).fetchone())]
    return content


def _check_kills(tmp_path: Path, kills: int, messages: int, models: tuple[str, ...] = ()) -> None:
    """Kill loads of a home until one comes to its end, look, and go on with the next home."""
    folder = tmp_path / "messages"
    output = Output(files=3)
    dials = Dials(messages=messages, data_models=models, shares=SHARES, output=output)
    write_synthetic(folder, catalog=packaged_catalog(), dials=dials)
    calm = read_settings(tmp_path / "calm")
    seconds = _run(calm, folder)
    expected = _content(calm)
    rng = random.Random(20260301)
    for number in range(3 * kills):
        disturbed = read_settings(tmp_path / f"disturbed-{number}")
        disturbed.home.mkdir(mode=0o700)
        shutil.copy(calm.home / hash_key.NAME, disturbed.home)  # equal hashes are compared too
        while kills > 0 and _is_killed(disturbed, folder, rng.uniform(0.2, 1.0) * seconds):
            kills -= 1
        seconds *= 0.8 if kills > 0 else 1  # the load ended before its kill: come sooner
        _run(disturbed, folder)
        _run(disturbed, folder)
        actual = _content(disturbed)
        assert actual["ledger"] == expected["ledger"]
        assert actual.keys() == expected.keys()
        assert [table for table in expected if actual[table] != expected[table]] == []
        shutil.rmtree(disturbed.home)
        if kills == 0:
            return
    raise AssertionError(f"{kills} kills met no running load")


def test_loads_killed_twice_lose_and_repeat_nothing(tmp_path: Path) -> None:
    models = ("PatientAdmin", "Results", "Scheduling", "Inventory")
    _check_kills(tmp_path, kills=2, messages=600, models=models)


@pytest.mark.faults
def test_loads_killed_25_times_lose_and_repeat_nothing(tmp_path: Path) -> None:
    _check_kills(tmp_path, kills=25, messages=600)


@pytest.mark.faults
def test_workers_end_with_a_killed_command(tmp_path: Path) -> None:
    folder = tmp_path / "messages"
    shares = Shares(unlisted_keys=0.5)  # what goes the exact way, in the helper process
    dials = Dials(messages=26_000, shares=shares)
    write_synthetic(folder, catalog=packaged_catalog(), dials=dials)
    assert sum(path.stat().st_size for path in folder.iterdir()) > SMALL_WORK_BYTES
    settings = read_settings(tmp_path / "home")
    environment = os.environ | {"REDOX_WAREHOUSE_LOAD__WORKERS": "2"}
    with subprocess.Popen(
        _command(settings, folder), env=environment, stdout=subprocess.DEVNULL
    ) as process:
        workers = _wait_for(lambda: _descendants(process.pid), at_least=HELPERS)
        time.sleep(0.5)
        process.kill()
    assert len(workers) >= HELPERS
    assert _wait_for(lambda: workers & _living(), at_most=0) == set()


def _wait_for(find: Callable[[], set[int]], *, at_least: int = 0, at_most: int = 10**6) -> set[int]:
    """What is found once there are so many; the last look after 20 seconds."""
    until = time.monotonic() + 20
    while not at_least <= len(found := find()) <= at_most and time.monotonic() < until:
        time.sleep(0.02)
    return found


def _living() -> set[int]:
    return {pid for pid, (_, state) in _processes().items() if state not in "ZX"}


def _descendants(pid: int) -> set[int]:
    parents = {child: parent for child, (parent, _) in _processes().items()}
    found = {pid}
    for _ in range(4):
        found |= {child for child, parent in parents.items() if parent in found}
    return found - {pid}


def _processes() -> dict[int, tuple[int, str]]:
    """Parent and state of every process."""
    processes = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # gone meanwhile
            state, parent, *_ = stat.read_text().rpartition(") ")[2].split()
            processes[int(stat.parent.name)] = (int(parent), state)
    return processes
