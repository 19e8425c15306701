"""Where backups are kept: a folder or a bucket that holds chunks by hash, and a listing per backup.

    chunks/ab/<sha256>          pieces of files, each once, whoever needs it
    backups/<UTC time>.json     which chunks make up which file

A chunk is there whole or not at all, and a listing appears after all its chunks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from etl.atomic import own_folder, replacing
from etl.errors import PermanentError, TransientError, UsageFault

CHUNKS, BACKUPS = "chunks", "backups"


class Place(Protocol):
    """Named bytes: written whole, read whole, listed, removed."""

    def write(self, name: str, content: bytes) -> None: ...

    def read(self, name: str) -> bytes: ...

    def list(self, folder: str) -> set[str]: ...

    def remove(self, name: str) -> None: ...


class FolderPlace:
    """A folder; its files are for their owner only."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, content: bytes) -> None:
        path = self.root / name
        own_folder(path.parent)
        with replacing(path) as file:
            file.write(content)

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def list(self, folder: str) -> set[str]:
        top = self.root / folder
        files = (path for path in top.rglob("*") if path.is_file()) if top.is_dir() else ()
        return {str(path.relative_to(self.root)) for path in files}

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)


class UrlPlace:
    """A prefix of a bucket, through fsspec."""

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        import fsspec

        try:
            self._files, self._root = fsspec.core.url_to_fs(url, **options)
        except (ImportError, ValueError) as error:
            raise UsageFault(
                f"The kind of URL is not known ({type(error).__name__}); install its extra or "
                "correct it."
            ) from None

    def write(self, name: str, content: bytes) -> None:
        with _rewritten_errors():
            self._files.pipe_file(f"{self._root}/{name}", content)

    def read(self, name: str) -> bytes:
        with _rewritten_errors():
            content: bytes = self._files.cat_file(f"{self._root}/{name}")
            return content

    def list(self, folder: str) -> set[str]:
        with _rewritten_errors():
            self._files.invalidate_cache()
            top = f"{self._root}/{folder}"
            found = self._files.find(top) if self._files.exists(top) else []
        start = len(self._root.rstrip("/")) + 1
        return {path[start:] for path in found}

    def remove(self, name: str) -> None:
        with _rewritten_errors():
            self._files.rm_file(f"{self._root}/{name}")


@contextmanager
def _rewritten_errors() -> Iterator[None]:
    """Errors of stores in a sentence of ours: their texts may print names."""
    try:
        yield
    except FileNotFoundError:
        raise PermanentError(
            "A part of the backup is missing; use another backup (`restore --list`)."
        ) from None
    except Exception as error:
        raise TransientError(
            f"The store of the backup did not respond properly ({type(error).__name__}); "
            "check its address and credentials, and try again."
        ) from None


def open_place(target: str, options: Mapping[str, Mapping[str, Any]]) -> Place:
    """The place that a folder or URL names; raises UsageFault for an unknown kind of URL."""
    protocol, mark, _ = target.partition("://")
    if mark:
        return UrlPlace(target, dict(options.get(protocol, {})))
    return FolderPlace(Path(target).expanduser().absolute())


class Chunks:
    """The chunks of a place; what is there is not written again."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._known = place.list(CHUNKS)
        self.bytes_written = 0

    def keep(self, content: bytes) -> str:
        """Keep a chunk; gives its hash."""
        digest = hashlib.sha256(content).hexdigest()
        if _name(digest) not in self._known:
            self._place.write(_name(digest), content)
            self._known.add(_name(digest))
            self.bytes_written += len(content)
        return digest

    def has(self, digest: str) -> bool:
        """True if the chunk is here."""
        return _name(digest) in self._known

    def read(self, digest: str) -> bytes:
        """A chunk; raises PermanentError where it is missing or damaged."""
        try:
            content = self._place.read(_name(digest))
        except FileNotFoundError:
            content = b""
        if hashlib.sha256(content).hexdigest() != digest:
            raise PermanentError(
                "A part of the backup is missing or damaged; use another backup (`restore --list`)."
            )
        return content

    def forget(self, wanted: set[str]) -> int:
        """Remove chunks that no listing names; gives how many."""
        names = {_name(digest) for digest in wanted}
        left = sorted(self._known - names)
        for name in left:
            self._place.remove(name)
            self._known.discard(name)
        return len(left)


def _name(digest: str) -> str:
    return f"{CHUNKS}/{digest[:2]}/{digest}"


def list_backups(place: Place) -> list[str]:
    """The names of all backups, the oldest first."""
    return sorted(_stems(place.list(BACKUPS)))


def _stems(names: set[str]) -> Iterator[str]:
    for name in names:
        stem = name.rpartition("/")[2]
        if stem.endswith(".json"):
            yield stem.removesuffix(".json")
