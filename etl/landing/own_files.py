"""Landed objects with files of their own: the larger ones, and small ones that came alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from etl.atomic import own_folder
from etl.errors import PermanentError
from etl.framing.frames import FrameBatch
from etl.landing.bundle import Erasure, Small
from etl.landing.erase import mark_purged, overwrite
from etl.landing.index import (
    LandedObject,
    create_private,
    read_facts,
    read_items,
    sync_file,
    sync_folder,
    write_items,
)
from etl.landing.seekable import write_blocks

BYTES_NAME, INDEX_NAME = "bytes.zst", "items.parquet"
"""Of half-made files."""


class OwnFiles:
    """The files of the objects under one landing folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._root = str(root)

    def has(self, object_id: str) -> bool:
        """True if an object was landed whole and not in a bundle."""
        return self.index_path(object_id).is_file()

    def describe(self, object_id: str) -> LandedObject:
        """What is known of an object; raises PermanentError when it is not here."""
        return read_facts(self._find_index(object_id))

    def items(self, object_id: str, start: int = 0, stop: int | None = None) -> FrameBatch:
        """Where items start <= position < stop are."""
        return read_items(self._find_index(object_id), start, stop)

    def object_ids(self) -> set[str]:
        """All objects that have files."""
        return {path.name.partition(".")[0] for path in self.root.glob(f"??/*.{INDEX_NAME}")}

    def settle(self, folder: Path, landed: LandedObject) -> None:
        """Give the files their final names, the index last: a journal keeps this order."""
        home = self._folder_of(landed.object_id)
        make_folder(home)
        if not landed.in_place:
            (folder / BYTES_NAME).replace(self.bytes_path(landed.object_id))
        (folder / INDEX_NAME).replace(self.index_path(landed.object_id))
        sync_folder(home)

    def land(self, one: Small, folder: Path) -> None:
        """Land an object that is in memory; `folder` is for half-made files."""
        with create_private(folder / BYTES_NAME) as content:
            write_blocks(content, [one.content])
            sync_file(content)
        write_items(folder / INDEX_NAME, one.items, one.landed)
        self.settle(folder, one.landed)

    def erase(self, object_id: str, erasure: Erasure, folder: Path) -> None:
        """Overwrite items with spaces, or remove the object; half-made files are in `folder`."""
        if erasure.is_whole:
            self._remove(object_id)
            return
        if not self.has(object_id):
            return
        landed, ranges = self.describe(object_id), erasure.ranges
        if erasure.forget_uri:
            landed = replace(landed, uri="")
        items = mark_purged(self.items(object_id), [item for item in ranges if item >= 0])
        if self.bytes_path(object_id).is_file():
            with create_private(folder / BYTES_NAME) as content:
                done = overwrite(self.bytes_path(object_id), content, [*ranges.values()])
                sync_file(content)
            landed = replace(landed, kept_sha256=done.sha256)
            (folder / BYTES_NAME).replace(self.bytes_path(object_id))
        write_items(folder / INDEX_NAME, items, landed)
        (folder / INDEX_NAME).replace(self.index_path(object_id))
        sync_folder(self._folder_of(object_id))

    def _remove(self, object_id: str) -> None:
        """The bytes first, so that none are left without being listed."""
        self.bytes_path(object_id).unlink(missing_ok=True)
        self.index_path(object_id).unlink(missing_ok=True)
        if self._folder_of(object_id).is_dir():
            sync_folder(self._folder_of(object_id))

    def _find_index(self, object_id: str) -> Path:
        path = self.index_path(object_id)
        if not path.is_file():
            raise missing(object_id)
        return path

    def bytes_path(self, object_id: str) -> Path:
        """Where the bytes of an object are, if it has files of its own."""
        return self._folder_of(object_id) / f"{object_id}.zst"

    def index_path(self, object_id: str) -> Path:
        """Where the items of an object are listed, if it has files of its own."""
        return Path(f"{self._root}/{object_id[:2]}/{object_id}.{INDEX_NAME}")

    def _folder_of(self, object_id: str) -> Path:
        return self.root / object_id[:2]


def make_folder(folder: Path) -> None:
    """A folder of the landing folder, on the disk, for its owner only."""
    if folder.is_dir():
        return
    own_folder(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)
    sync_folder(folder.parent)


def missing(object_id: str) -> PermanentError:
    """The error for an object that is not here."""
    return PermanentError(
        f"Landed object {object_id[:12]} is not in the landing folder; restore it from a backup."
    )
