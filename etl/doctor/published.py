"""Checks of the published files: is each as long as the manifest says, and still the same?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from etl.doctor.records import Check, fail, ok
from etl.plurals import counted
from etl.publish.folders import PublishedFolder
from etl.publish.manifest import MANIFEST, Part, read_manifest
from etl.settings import Settings

AREA = "published"
MOST_NAMES = 5


def check_published_files(settings: Settings, *, is_reading: bool) -> Iterator[Check]:
    """The files of the current version, by their size; when reading, by their hash too."""
    folder = PublishedFolder(settings.published_path).current()
    manifest = read_manifest(folder / MANIFEST) if folder else None
    if folder is None or manifest is None:
        return
    files = [
        (folder.joinpath(*name.split("."), part.file_name), part)
        for name, table in manifest.tables.items()
        for part in table.parts
        if part.has_file
    ]
    damaged = [path for path, part in files if not _is_whole(path, part, is_reading=is_reading)]
    if damaged:
        names = [str(path.relative_to(folder)) for path in damaged]
        more = ", ..." if len(names) > MOST_NAMES else ""
        found = f"{len(names):,} of {counted(len(files), 'file')} cut or changed: "
        yield fail(
            AREA, "files", found + ", ".join(names[:MOST_NAMES]) + more,
            "run `redox-warehouse publish`; if it finds no change, delete version "
            f"{folder.name} first.",
        )  # fmt: skip
    else:
        how = "read, all unchanged" if is_reading else "all of the right size"
        yield ok(AREA, "files", f"{counted(len(files), 'file')}, {how}")


def _is_whole(path: Path, part: Part, *, is_reading: bool) -> bool:
    try:
        if path.stat().st_size != part.bytes:
            return False
        if not is_reading or not part.sha256:
            return True
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == part.sha256
    except OSError:
        return False
