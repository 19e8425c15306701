"""Dagster under umask 000: no planted value outside the home, nothing that others can read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.doctor.dagster_home import bring_up_to_date, check_rights
from etl.doctor.records import State
from etl.orchestration.run_launcher import WatchedRunLauncher
from tests.orchestration.daemon_world import FAST
from tests.privacy.canaries import CANARIES, write_inputs

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240
HARMLESS = {"REDOX_WAREHOUSE_CHECKS__ERROR_SHARE": "1"}  # so that canaries get published, too


@pytest.fixture
def area(tmp_path: Path) -> Iterator[Path]:
    """A disk area with home, inputs, a user's home, a temporary and a current folder."""
    for name in ("elsewhere", "temporary", "user"):
        (tmp_path / name).mkdir(mode=0o755)
    write_inputs(tmp_path / "inputs")
    before = os.umask(0)
    yield tmp_path
    os.umask(before)


def environment(area: Path) -> dict[str, str]:
    home = area / "home"
    return {
        **os.environ, **FAST, **HARMLESS,
        "HOME": str(area / "user"), "TMPDIR": str(area / "temporary"), "XDG_CACHE_HOME": "",
        "REDOX_WAREHOUSE_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"),
        "REDOX_WAREHOUSE_WATCH__PATHS": f'["{area / "inputs"}"]',
    }  # fmt: skip


def test_doors_of_dagster_make_private_files(area: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from etl.definitions import definitions

    monkeypatch.setenv("REDOX_WAREHOUSE_HOME", str(area / "home"))
    for opened in (WatchedRunLauncher, definitions):
        os.umask(0)
        opened()
        assert os.umask(0) == 0o077


def test_doctor_sees_a_dagster_home_that_others_may_look_into(tmp_path: Path) -> None:
    folder = tmp_path / "dagster"
    bring_up_to_date(folder)
    assert check_rights(folder).state is State.OK
    folder.chmod(0o755)
    assert check_rights(folder).state is State.WARN


@pytest.mark.faults
def test_dg_dev_keeps_values_in_the_home_for_its_owner(area: Path) -> None:
    """`dg dev` loads and publishes from another folder; then it is interrupted."""
    bring_up_to_date(area / "home" / "dagster")
    command = [str(Path(sys.executable).with_name("dg")), "dev", "-w", str(ROOT / "workspace.yaml"),
               "--host", "127.0.0.1", "--port", "0"]  # fmt: skip
    with (
        (area / "elsewhere" / "dg.log").open("wb") as log,
        subprocess.Popen(
            command, cwd=area / "elsewhere", env=environment(area), stdout=log, stderr=log,
            start_new_session=True, umask=0,
        ) as server,
    ):  # fmt: skip
        try:
            is_published = _wait_for(area / "home" / "published" / "current")
        finally:
            os.killpg(server.pid, signal.SIGINT)
            _end(server)
    assert is_published, (area / "elsewhere" / "dg.log").read_text()[-3000:]
    assert outside(area) == []
    assert readable_by_others(area / "home") == []
    assert readable_by_others(area / "user") == []
    assert writable_by_others(area / "user") == []


def _wait_for(path: Path) -> bool:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and not path.exists():
        time.sleep(0.5)
    time.sleep(5)  # its run ends
    return path.exists()


def _end(server: subprocess.Popen[bytes]) -> None:
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)


def outside(area: Path) -> list[tuple[str, str]]:
    """Values in files outside of home and inputs, and in the names of such files."""
    found = []
    for path in area.rglob("*"):
        if path.relative_to(area).parts[0] not in ("home", "inputs"):
            content = path.read_bytes() if path.is_file() else b""
            text = str(path.relative_to(area)).encode() + content
            found += [(str(path), one) for one in CANARIES if one.encode() in text]
    return found


def readable_by_others(folder: Path) -> list[str]:
    """Files that others can read, because no folder above them is closed."""
    found = []
    for path in sorted(folder.iterdir()) if folder.stat().st_mode & 0o055 else ():
        if path.is_dir() and not path.is_symlink():
            found += readable_by_others(path)
        elif path.lstat().st_mode & 0o044 and not path.is_symlink():
            found.append(str(path))
    return found


def writable_by_others(folder: Path) -> list[str]:
    """Folders in which others could put files of their own."""
    return [
        str(path) for path in folder.rglob("*") if path.is_dir() and path.stat().st_mode & 0o022
    ]
