"""A folder that appears whole: it is filled beside its place and renamed into it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl.atomic import own_folder
from etl.errors import UsageFault
from etl.publish.dictionary import MADE_BY, MANIFEST
from etl.publish.folders import sync_files


def check_target(target: Path, *, overwrite: bool) -> None:
    """Raise UsageFault unless a folder may be written here.

    Only an earlier export is ever replaced; files of other making are never removed.
    """
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageFault("The target of an export is a file; give a folder.")
    if not any(target.iterdir()):
        return
    if not overwrite:
        raise UsageFault("The folder is not empty; give another, or --overwrite an earlier export.")
    if not _is_export(target):
        raise UsageFault(
            "The folder contains files that are not part of an earlier export; give another folder."
        )


def _is_export(folder: Path) -> bool:
    try:
        content = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("made_by") == MADE_BY


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A folder to fill, which takes the target's place at the end; nothing is left on failure."""
    own_folder(target.parent)
    prefix = f".{target.name}.exporting-"
    for left_over in target.parent.glob(f"{prefix}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    room = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        filled = room / "new"
        filled.mkdir(mode=0o700)
        yield filled
        sync_files([filled, *filled.rglob("*")])
        _replace(target, filled, room / "old")
        sync_files([target.parent])
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _replace(target: Path, filled: Path, old: Path) -> None:
    """Put a folder in place of another, which comes back when that fails."""
    if target.exists():
        target.rename(old)
    try:
        filled.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
