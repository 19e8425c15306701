"""Makes a backup: what waits, then the warehouse under its lock, then files that never change.

In the order in which data flows, so that a message which moves on meanwhile is found twice rather
than not at all; what is found twice is known by content when it is loaded.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from etl.atomic import replacing
from etl.errors import UsageFault
from etl.pipeline.backup.listing import Listing, Saved, name_after, read_listing, write_listing
from etl.pipeline.backup.store import BACKUPS, Chunks, Place, list_backups, open_place
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse, write_lock
from etl.warehouse.lake import LakeFolder

CHUNK_BYTES = 4 * 2**20
LOCK_WAIT_S = 600.0
RECORD = "backups.json"
WAITING = ("pull", "incoming")
UNDER_LOCK = (
    "warehouse.duckdb",
    "commit.json",
    "landing/commit.json",
    "content_hash.key",
    "status.json",
    "seen.parquet",
    "purge.json",
    "delta.json",
    "redox-warehouse.toml",
    "organizations.csv",
    "persons.csv",
    "code_book.key",
    "code_book.parquet",
    "catalog",
    "macro",
    "requests",
    "batches",
)
IMMUTABLE = ("landing", "lake", "published")
OF_A_LAKE = ("landing", "lake")
"""What versions of a lake need; they must be saved as they are at one moment."""
_NOT_KEPT = (".lock", ".tmp", ".part", ".new")


def utc_now() -> datetime:
    """The clock of backups."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """One backup. `bytes_written` are those that were not there before; sizes in bytes."""

    name: str
    files: int
    bytes: int
    bytes_written: int
    removed_backups: int
    is_same_disk: bool

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


def backup(
    settings: Settings, target: str, *, keep: int = 0, clock: Callable[[], datetime] = utc_now
) -> BackupSummary:
    """Back a home up to a folder or URL; the last `keep` backups stay there, 0 for all.

    Loads wait only while the warehouse's file is copied, of a lake also while what it has got since is.
    Raises UsageFault for a target below the
    home, WarehouseBusy, TransientError when the store does not answer.
    """
    _check_target(settings, target)
    place = open_place(target, settings.buckets)
    names = list_backups(place)
    known = {one.path: one for one in read_listing(place).files} if names else {}
    saving = _Saving(settings.home, Chunks(place), known)
    saving.save_all(WAITING)
    with write_lock(settings.warehouse_path, wait_s=LOCK_WAIT_S):
        if settings.warehouse_path.exists():
            with open_warehouse(settings.warehouse_path, read_only=False) as connection:
                connection.execute("checkpoint")
        saving.save_all(UNDER_LOCK)
    saving.save_all(IMMUTABLE)
    if LakeFolder(settings.home).is_there():
        # Meanwhile a change may have dropped files that were listed and named others.
        with write_lock(settings.warehouse_path, wait_s=LOCK_WAIT_S):
            saving.save_all(OF_A_LAKE)
            saving.forget_removed(OF_A_LAKE)
    at = clock()
    listing = Listing(
        name_after(names, at), at.isoformat(), version("redox-warehouse"), saving.files()
    )
    write_listing(place, listing)
    removed = _forget(place, saving.chunks, keep) if keep else 0
    _record(settings, target, at)
    return BackupSummary(
        listing.name,
        len(listing.files),
        listing.bytes,
        saving.chunks.bytes_written,
        removed,
        _is_same_disk(settings, target),
    )


class _Saving:
    """Files of a home on their way into chunks."""

    def __init__(self, home: Path, chunks: Chunks, known: dict[str, Saved]) -> None:
        self._home = home
        self._known = known
        self._saved: dict[str, Saved] = {}
        self.chunks = chunks

    def save_all(self, names: Iterable[str]) -> None:
        """Save files, and all that is below folders; what is saved already stays as it is."""
        for name in names:
            for path in _files(self._home / name):
                relative = str(path.relative_to(self._home))
                if relative not in self._saved:
                    with suppress(FileNotFoundError):  # moved on meanwhile, and found there
                        self._saved[relative] = self._save(path, relative)

    def forget_removed(self, names: Iterable[str]) -> None:
        """Leave out what is not there any more below these folders."""
        for relative in list(self._saved):
            is_own = Path(relative).parts[0] in names
            if is_own and not (self._home / relative).is_file():
                del self._saved[relative]

    def files(self) -> tuple[Saved, ...]:
        """Everything saved, by path."""
        return tuple(saved for _, saved in sorted(self._saved.items()))

    def _save(self, path: Path, relative: str) -> Saved:
        if path.is_symlink():
            return Saved(relative, 0, 0, 0, 0, target=str(path.readlink()))
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            found = Saved(
                relative,
                stat.S_IMODE(facts.st_mode),
                facts.st_size,
                facts.st_mtime_ns,
                facts.st_ino,
            )
            known = self._known.get(relative)
            if known and _is_same(known, found) and all(map(self.chunks.has, known.chunks)):
                return known
            chunks = tuple(map(self.chunks.keep, iter(lambda: file.read(CHUNK_BYTES), b"")))
            return replace(found, chunks=chunks, size=file.tell())


def _is_same(known: Saved, found: Saved) -> bool:
    return replace(known, chunks=()) == found


def _files(path: Path) -> Iterator[Path]:
    """A file, or the files below a folder; locks and half-made files are left out."""
    if path.is_dir() and not path.is_symlink():
        for inner in sorted(path.rglob("*")):
            is_made = not any(
                part == "tmp" or part.startswith(".") for part in inner.relative_to(path).parts
            )
            if (inner.is_file() or inner.is_symlink()) and is_made and _is_kept(inner):
                yield inner
    elif path.is_file():
        yield path


def _is_kept(path: Path) -> bool:
    return path.suffix not in _NOT_KEPT and path.name != "lock"


def _check_target(settings: Settings, target: str) -> None:
    if "://" in target:
        return
    path = Path(target).expanduser().absolute()
    if path.resolve().is_relative_to(settings.home.resolve()):
        raise UsageFault("A backup inside the home would be lost with it; use another folder.")
    if not settings.home.is_dir():
        raise UsageFault("There is no home to back up; check --home.")


def _is_same_disk(settings: Settings, target: str) -> bool:
    return "://" not in target and os.stat(target).st_dev == os.stat(settings.home).st_dev  # noqa: PTH116


def _forget(place: Place, chunks: Chunks, keep: int) -> int:
    """Remove older backups, then what none of the others needs."""
    names = list_backups(place)
    old = names[:-keep]
    for name in old:
        place.remove(f"{BACKUPS}/{name}.json")
    wanted = {digest for name in names[-keep:] for digest in read_listing(place, name).chunks()}
    chunks.forget(wanted)
    return len(old)


def _record(settings: Settings, target: str, at: datetime) -> None:
    """Note where backups are and since when, for doctor and for purges, which must name them."""
    known = read_record(settings)
    known[target] = at.isoformat()
    with replacing(settings.home / RECORD) as file:
        file.write(json.dumps(known, indent=1).encode())


def read_record(settings: Settings) -> dict[str, str]:
    """When the last backup was made, by where it is."""
    try:
        content = json.loads((settings.home / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
