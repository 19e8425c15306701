"""The folder of published versions: where they are, how one appears, which one is current.

A version appears whole or not at all: it is built under a name of no meaning, brought to disk and
renamed; then the link `current` is replaced. Whoever changes something here holds the lock of
publishing. Layout: `versions/<number>/`, `current` -> `versions/<number>`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from etl.atomic import own_folder
from etl.errors import DiskFull
from etl.publish.manifest import MANIFEST, Manifest, read_manifest

VIEWS_FILE = "warehouse.duckdb"
TABLES_FILE = "tables.duckdb"
CURRENT = "current"
GROUP_READS = stat.S_IRGRP | stat.S_IXGRP
"""Of the folder of versions: analysts of its group, or of a group in its ACL, may read all of them."""
_BUILDING = ".building"
_LEFT_OVER = (f"{_BUILDING}*", ".removing-*", ".current-*")
_SYNC_THREADS = 8
_DUCKDB_PER_PARQUET = 6
_BLOCK_BYTES = 256 * 2**10


class PublishedFolder:
    """One home's published versions."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.versions = root / "versions"

    def recover(self) -> None:
        """Make the folders and remove what a killed run left."""
        own_folder(self.versions)
        for path in self.versions.iterdir():
            if path.is_symlink() or not (path / MANIFEST).is_file():
                _remove(path)
        for pattern in _LEFT_OVER:
            for path in self.root.glob(pattern):
                _remove(path)
        if self._is_copied() and (numbers := self.numbers()):
            _remove(self.root / CURRENT)
            self.make_current(numbers[-1])

    def _is_copied(self) -> bool:
        """True if the link became what it led to, as in a copy of the home that followed links."""
        link = self.root / CURRENT
        return link.exists() and not link.is_symlink()

    def numbers(self) -> list[int]:
        """The versions that are whole, ascending."""
        if not self.versions.is_dir():
            return []
        return sorted(
            int(path.name)
            for path in self.versions.iterdir()
            if path.name.isdigit() and not path.is_symlink() and (path / MANIFEST).is_file()
        )

    def folder_of(self, version: int) -> Path:
        return self.versions / str(version)

    def latest(self) -> Manifest | None:
        """The newest whole version, current or not."""
        numbers = self.numbers()
        return read_manifest(self.folder_of(numbers[-1]) / MANIFEST) if numbers else None

    def current(self) -> Path | None:
        """The real folder of the version that readers should open, None before the first."""
        numbers = self.numbers() if self._is_copied() else []
        folder = self.folder_of(numbers[-1]) if numbers else (self.root / CURRENT).resolve()
        return folder if (folder / MANIFEST).is_file() else None

    @contextmanager
    def building(self) -> Iterator[Path]:
        """A folder to build a version in; what is still there at the end is removed."""
        folder = self.root / _BUILDING
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def standing_in(self, built: Path, version: int) -> Iterator[Path]:
        """While it lasts, a version that is being built can be read at its final place.

        DuckDB binds a view when it is created, so the path in it must lead to files by then.
        """
        place = self.folder_of(version)
        place.symlink_to(built.absolute())
        try:
            yield place
        finally:
            place.unlink()

    def adopt(self, built: Path, version: int) -> None:
        """Give a version, brought to disk, its final name.

        Files that an earlier version has too are on disk already.
        """
        self._open_to_group(self.versions, built, *built.rglob("*"))
        sync_files([built, *(path for path in built.rglob("*") if not _is_shared(path))])
        built.rename(self.folder_of(version))
        sync_files([self.versions])

    def add(self, made: Path, target: Path) -> None:
        """Give one more file of a version, brought to disk, its final name."""
        self._open_to_group(made)
        sync_files([made])
        made.rename(target)
        sync_files([target.parent])

    def _open_to_group(self, *paths: Path) -> None:
        """Let the group read these, if the site lets it read the folder of versions.

        Everything is made for its owner only, which with an ACL of the folder masks its groups.
        """
        group = self.root.stat().st_mode & GROUP_READS
        for path in paths if group else ():
            facts = path.lstat()
            wanted = facts.st_mode | (
                group if stat.S_ISDIR(facts.st_mode) else group & stat.S_IRGRP
            )
            if wanted != facts.st_mode and not stat.S_ISLNK(facts.st_mode):
                path.chmod(stat.S_IMODE(wanted))

    def make_current(self, version: int) -> None:
        """Point readers to a version, in one step."""
        link = self.root / f".{CURRENT}-{version}"
        link.symlink_to(Path("versions") / str(version))
        link.replace(self.root / CURRENT)
        sync_files([self.root])

    @contextmanager
    def in_use(self, version: int) -> Iterator[Path]:
        """While it lasts, no other process forgets a version; gives its folder.

        Raises FileNotFoundError when it is forgotten already.
        """
        descriptor = os.open(self.folder_of(version) / MANIFEST, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield self.folder_of(version)
        finally:
            os.close(descriptor)

    def forget(self, *, keep: int) -> list[int]:
        """Remove all but the last versions and the current one; gives what was removed.

        A version that is being copied elsewhere stays until the next call.
        """
        return self.remove(n for n in self.numbers()[:-keep] if not self._is_in_use(n))

    def remove(self, numbers: Iterable[int]) -> list[int]:
        """Remove versions, never the current one; gives what was removed.

        Who reads a file of one finishes on it.
        """
        current = self.current()
        old = [n for n in numbers if self.folder_of(n).resolve() != current]
        for number in old:
            leaving = self.root / f".removing-{number}"
            self.folder_of(number).rename(leaving)
            _remove(leaving)
        return old

    def _is_in_use(self, version: int) -> bool:
        descriptor = os.open(self.folder_of(version) / MANIFEST, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


def _is_shared(path: Path) -> bool:
    """True if a file has another name too, as hard links to an earlier version's files have."""
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_nlink > 1


def check_space(root: Path, manifest: Manifest) -> None:
    """Raise DiskFull unless the disk can take a version once more as DuckDB tables."""
    filled = sum(1 for table in manifest.tables.values() if table.rows)
    needed = manifest.bytes * _DUCKDB_PER_PARQUET + filled * _BLOCK_BYTES
    free = shutil.disk_usage(root).free
    if free < needed:
        raise DiskFull(
            f"A self-contained file may need {needed / 1e9:,.1f} GB, {free / 1e9:,.1f} GB are "
            "free; free space or leave out --materialize."
        )


def sync_files(paths: Iterable[Path]) -> None:
    """Bring files and folders to disk; several at once share the disk's commits."""
    with ThreadPoolExecutor(_SYNC_THREADS) as pool:
        list(pool.map(_sync, paths))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
