"""A lock file per run: who may hold it lives, whatever became of the server that started it.

Locks of the operating system end with their process: a killed run, or a machine that restarted,
leaves a file that anybody can lock. The launcher makes the file, the run holds it, the monitoring
tries it.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from etl.atomic import own_folder

FOLDER = "running"
LEFT_OVER_S = 86_400.0


class Liveness(StrEnum):
    """What the lock file of a run says of its process."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


def lock_file(storage: Path, run_id: str) -> Path:
    """Return where the lock of a run is; `storage` is DAGSTER_HOME."""
    return storage / FOLDER / run_id


def announce_run(storage: Path, run_id: str) -> None:
    """Make the lock file of a run that is about to start, remove those of runs long over."""
    path = lock_file(storage, run_id)
    own_folder(path.parent)
    path.touch(mode=0o600)
    for old in path.parent.iterdir():
        with suppress(FileNotFoundError):
            is_old = time.time() - old.stat().st_mtime > LEFT_OVER_S
            if is_old and _is_free(old):
                old.unlink()


@contextmanager
def hold_run_lock(storage: Path, run_id: str) -> Iterator[None]:
    """Hold the lock of this process's own run; the file is removed at the end."""
    path = lock_file(storage, run_id)
    own_folder(path.parent)
    with path.open("wb") as file:
        # Not flock: worker processes inherit that one, and it would outlive the run.
        fcntl.lockf(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def check_run(storage: Path, run_id: str, *, grace_s: float) -> Liveness:
    """Return whether the process of a started run lives.

    A run that did not lock its file within `grace_s` seconds of its announcement died before it
    could; without a file nothing is known.
    """
    path = lock_file(storage, run_id)
    try:
        if not _is_free(path):
            return Liveness.ALIVE
        age_s = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return Liveness.UNKNOWN
    return Liveness.DEAD if age_s > grace_s else Liveness.ALIVE


def _is_free(path: Path) -> bool:
    with path.open("rb+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
