"""Temporary folders in which objects are written before they get their final names.

The process that writes holds a lock on its folder, and a lock ends with its process: a folder that
can be locked is the leftover of a crash, whatever its age, its process id or its machine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def claim_folder(parent: Path) -> Iterator[Path]:
    """A new folder for this process alone; removed at the end, whatever happened."""
    folder, descriptor = _create_locked(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def clean_leftovers(parent: Path) -> int:
    """Remove what dead processes have left half done; gives how many folders."""
    removed = 0
    for folder in parent.iterdir() if parent.is_dir() else ():
        descriptor = _try_lock(folder)
        if descriptor is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)
            removed += 1
    return removed


def is_left_over(folder: Path) -> bool:
    """True if nobody holds a folder any more; changes nothing."""
    descriptor = _try_lock(folder)
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def _create_locked(parent: Path) -> tuple[Path, int]:
    while True:
        folder = parent / uuid.uuid4().hex
        folder.mkdir(mode=0o700)
        descriptor = _try_lock(folder)
        if descriptor is not None:  # else another process was cleaning in just this moment
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)


def _try_lock(folder: Path) -> int | None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
