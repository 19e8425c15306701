"""What else of a purged patient a home may hold: names of files, listings, reports, copies.

Reports and exports below the home are removed whole, because they can be made again. Copies outside
are not ours to change: exports that are on record are listed.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from etl.landing.store import Landing
from etl.publish.dictionary import MADE_BY, MANIFEST
from etl.settings import Settings
from etl.sources.seen import read_seen, write_seen
from etl.temporary import clean_leftovers
from etl.warehouse.lake import FOLDER as LAKE

DAGSTER = "dagster"
BATCHES = "batches"
_CHUNK_BYTES = 2**22


@dataclass(frozen=True, slots=True)
class Traces:
    """How many of each were removed; `dagster` counts files of Dagster that hold an identifier."""

    file_names: int = 0
    batches: int = 0
    reports: int = 0
    exports: int = 0
    dagster: int = 0


def remove_traces(
    settings: Settings, pattern: re.Pattern[bytes] | None, purged_objects: frozenset[str]
) -> Traces:
    """Remove them; doing it twice changes nothing."""
    clean_leftovers(settings.temporary_path)
    Landing(settings.landing_path).clean()
    return Traces(
        file_names=_forget_names(settings, pattern, purged_objects),
        batches=_remove_batches(settings, pattern),
        reports=_remove_reports(settings),
        exports=_remove_exports(settings),
        dagster=_search_dagster(settings, pattern),
    )


def _forget_names(
    settings: Settings, pattern: re.Pattern[bytes] | None, purged_objects: frozenset[str]
) -> int:
    """Names of sources in seen.parquet that hold an identifier, or of which nothing is kept."""
    known = read_seen(settings.seen_path)
    kept = [
        entry
        for entry in known
        if entry.object_id not in purged_objects and not _is_in(pattern, entry.uri)
    ]
    if len(kept) < len(known):
        write_seen(settings.seen_path, kept)
    return len(known) - len(kept)


def _is_in(pattern: re.Pattern[bytes] | None, text: str) -> bool:
    return bool(pattern and pattern.search(text.encode("utf-8", "surrogateescape")))


def _remove_batches(settings: Settings, pattern: re.Pattern[bytes] | None) -> int:
    """Listings of a run's sources; a run that still waits lists what is there again."""
    folder = settings.home / BATCHES
    found = [path for path in _files(folder) if pattern and pattern.search(path.read_bytes())]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _remove_reports(settings: Settings) -> int:
    """Reports say of counts what a purge has changed; `reliability --report` makes a new one."""
    found = list(_files(settings.reports_path))
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _remove_exports(settings: Settings) -> int:
    """Folders below the home that `export` has made."""
    found = [folder for folder in _folders(settings) if _is_export(folder)]
    for folder in found:
        shutil.rmtree(folder)
    return len(found)


def _folders(settings: Settings) -> Iterator[Path]:
    """Folders that may hold an export: all but those that the home itself has."""
    own = {settings.landing_path, settings.published_path, settings.home / DAGSTER}
    own.add(settings.home / LAKE)
    for top in sorted(settings.home.iterdir()):
        if top.is_dir() and not top.is_symlink() and top not in own:
            yield top
            yield from (path for path in sorted(top.rglob("*")) if path.is_dir())


def _is_export(folder: Path) -> bool:
    try:
        content = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("made_by") == MADE_BY


def _search_dagster(settings: Settings, pattern: re.Pattern[bytes] | None) -> int:
    """Dagster's storage holds no value of a payload; this counts, to show it."""
    if pattern is None:
        return 0
    return sum(_holds(path, pattern) for path in _files(settings.home / DAGSTER))


def _holds(path: Path, pattern: re.Pattern[bytes]) -> bool:
    rest = b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                if pattern.search(rest + chunk):
                    return True
                rest = chunk[-1024:]
    except OSError:
        return False
    return False


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file())
