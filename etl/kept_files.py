"""DuckDB files that take seconds to make and hold no data, kept in the user's cache folder.

Their names are hashes of everything that decides what is in them, the modules that make them
included, so that none is ever stale; they may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import duckdb

from etl.atomic import own_folder

_KEPT = 24
"""Of each kind, those made last."""


def kept_name(kind: str, what: object, sources: Mapping[str, Sequence[str]]) -> str:
    """Return the file name of what is made of `what` by these modules, file names by package."""
    digest = hashlib.sha256(repr((duckdb.__version__, what)).encode())
    for package, names in sources.items():
        for name in names:
            digest.update((files(package) / name).read_bytes())
    return f"{kind}-{digest.hexdigest()[:24]}.duckdb"


def copy_kept(kept: Path, target: Path) -> bool:
    """Copy a kept file, or return False if there is none."""
    try:
        shutil.copyfile(kept, target)
    except FileNotFoundError:
        return False
    return True


def keep(made: Path, kept: Path) -> None:
    """Keep a copy of a file under the name of `kept_name`, and forget the oldest of its kind."""
    own_folder(kept.parent)
    new = kept.with_name(f"{kept.name}.{os.getpid()}.new")
    with made.open("rb") as source, new.open("wb") as copy:
        new.chmod(0o600)
        shutil.copyfileobj(source, copy)
        copy.flush()
        os.fsync(copy.fileno())
    new.replace(kept)
    _forget_oldest(kept.parent, kept.name.partition("-")[0])


def _forget_oldest(folder: Path, kind: str) -> None:
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.name.startswith(f"{kind}-")]
    with contextlib.suppress(FileNotFoundError):  # another process forgets the same ones
        found.sort(key=lambda entry: -entry.stat().st_mtime)
        for old in found[_KEPT:]:
            Path(old).unlink()
