"""Brings a backup back: a whole home into an empty folder, or some parts into one that is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from etl.atomic import own_folder, replacing
from etl.errors import UsageFault
from etl.pipeline.backup.listing import Listing, Saved, read_listing
from etl.pipeline.backup.save import LOCK_WAIT_S
from etl.pipeline.backup.store import Chunks, list_backups, open_place
from etl.settings import Settings
from etl.warehouse.connection import write_lock

WAREHOUSE = "warehouse.duckdb"


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """What was restored of which backup; `size` in bytes."""

    name: str
    made_at: str
    files: int
    size: int

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


def backups_in(settings: Settings, source: str) -> list[Listing]:
    """All backups that a folder or URL holds, the oldest first."""
    place = open_place(source, settings.buckets)
    return [read_listing(place, name) for name in list_backups(place)]


def restore(
    settings: Settings, source: str, *, name: str = "", only: Sequence[str] = ()
) -> RestoreSummary:
    """Restore a backup, the newest without a name, into the home.

    Without `only` the home must be empty; with it, these files or folders of the home are replaced
    and the rest stays. Raises UsageFault for a home that is not empty or a part that the backup does
    not have, PermanentError for damaged chunks; then the warehouse was not touched.
    """
    place = open_place(source, settings.buckets)
    listing = read_listing(place, name)
    files = _chosen(listing, only)
    if not only:
        _check_empty(settings.home)
    own_folder(settings.home)
    chunks = Chunks(place)
    with write_lock(settings.warehouse_path, wait_s=LOCK_WAIT_S):
        for saved in sorted(files, key=lambda saved: saved.path == WAREHOUSE):
            _write(settings.home, saved, chunks)
    return RestoreSummary(
        listing.name, listing.made_at, len(files), sum(saved.size for saved in files)
    )


def _chosen(listing: Listing, only: Sequence[str]) -> list[Saved]:
    if not only:
        return list(listing.files)
    tops = [name.strip("/") for name in only]
    files = [
        saved
        for saved in listing.files
        if any(saved.path == top or saved.path.startswith(f"{top}/") for top in tops)
    ]
    if not files:
        raise UsageFault("The backup has no such part; name files or folders as in the home.")
    return files


def _check_empty(home: Path) -> None:
    if home.is_dir() and any(home.iterdir()):
        raise UsageFault("The home is not empty; move it away, or restore parts of it with --only.")


def _write(home: Path, saved: Saved, chunks: Chunks) -> None:
    path = home / saved.path
    own_folder(path.parent)
    if saved.target:
        path.unlink(missing_ok=True)
        path.symlink_to(saved.target)
        return
    with replacing(path) as file:
        for digest in saved.chunks:
            file.write(chunks.read(digest))
    path.chmod(saved.mode)
    if saved.path == WAREHOUSE:
        path.with_name(f"{WAREHOUSE}.wal").unlink(missing_ok=True)
