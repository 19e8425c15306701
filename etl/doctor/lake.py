"""Checks of a lake: are the files that its versions name whole, does the warehouse hold them all?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from etl.doctor.records import Check, fail, ok, warn
from etl.errors import WarehouseBusy
from etl.pipeline.lake_files import book_version
from etl.plurals import counted
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse, read_lock
from etl.warehouse.lake import FOLDER, LakeFile, LakeFolder

AREA = "lake"
MANY_VERSIONS = 1_000
"""So many small loads since the last `compact`: each load reads what all of their versions name."""


def check_lake(settings: Settings, *, is_reading: bool) -> Iterator[Check]:
    """The files of all versions by their size, when reading by their hash too; nothing for other homes."""
    lake = LakeFolder(settings.home)
    if not lake.is_there():
        return
    newest, needed = lake.newest(), lake.needed()
    files = {file.file: file for one in lake.read_until(newest) for file in one.files()}
    damaged = sum(
        not _is_whole(lake.path_of(name), files.get(name), is_reading=is_reading) for name in needed
    )
    found = f"{counted(newest, 'version')}, {counted(len(needed), 'file')}"
    if damaged:
        action = f"restore HOME/{FOLDER} from a backup."
        yield fail(AREA, "files", f"{found}, of which {damaged:,} are missing or changed", action)
    else:
        yield ok(
            AREA, "files", f"{found}, {'read, all unchanged' if is_reading else 'none damaged'}"
        )
    yield from _check_book(settings, newest)
    yield _count_versions(newest - lake.oldest() + 1 if newest else 0)
    yield _count_waste(lake, needed)


def _check_book(settings: Settings, newest: int) -> Iterator[Check]:
    path = settings.warehouse_path
    try:
        with read_lock(path, wait_s=0), open_warehouse(path, read_only=True) as connection:
            behind = newest - book_version(connection)
    except WarehouseBusy:
        return
    if behind:
        action = "run `redox-warehouse load`; it loads them first."
        yield warn(AREA, "warehouse", f"it lacks {counted(behind, 'version')}", action)
    else:
        yield ok(AREA, "warehouse", "it has all versions")


def _count_versions(count: int) -> Check:
    found = f"{counted(count, 'version')} since the last that is whole"
    if count > MANY_VERSIONS:
        action = "run `redox-warehouse compact`, which makes one of them and merges small files."
        return warn(AREA, "versions", found, action)
    return ok(AREA, "versions", found)


def _count_waste(lake: LakeFolder, named: set[str]) -> Check:
    """What killed work left and the next load removes, or work that goes on writes."""
    sizes = [lake.path_of(name).stat().st_size for name in lake.present() - named]
    found = f"{counted(len(sizes), 'file')} in no version, {sum(sizes) / 1e6:,.1f} MB"
    return ok(AREA, "unnamed files", found)


def _is_whole(path: Path, file: LakeFile | None, *, is_reading: bool) -> bool:
    """Of what became of items only that it is there."""
    try:
        if path.stat().st_size != file.bytes if file else not path.is_file():
            return False
        if file is None or not is_reading:
            return True
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    except OSError:
        return False
