"""Lists and opens what is to be landed: files, folders, globs, objects of a bucket.

Reading what is inside, packed or not, is `etl.sources.unpack`; how faults are reported,
`etl.sources.faults`.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from etl.errors import UsageFault
from etl.sources.faults import label_of, source_errors
from etl.sources.folders import LeftOut, Reason, SourceFile, Walk, path_of
from etl.sources.unpack import fault_of, open_unpacked

__all__ = [
    "LeftOut",
    "Reason",
    "SourceFile",
    "fault_of",
    "is_there",
    "label_of",
    "list_sources",
    "open_source",
]

_GLOB_MARKS = "*?["


@dataclass(frozen=True, slots=True)
class _Found:
    """A file and the names below the path that was asked for, none when it was asked for itself."""

    source: SourceFile
    names: tuple[str, ...] = ()


def _file_system(url: str, **options: Any) -> tuple[Any, str]:
    """The file system of a URL and the path in it; most loads read files and never import this."""
    import fsspec

    system, path = fsspec.core.url_to_fs(url, **options)
    return system, path


def _ignore(_: LeftOut) -> None:
    """Take what is left out and do nothing."""


def list_sources(
    paths: Sequence[str],
    *,
    leave_out: Callable[[LeftOut], None] = _ignore,
    home: Path | None = None,
    take_all: bool = False,
    **options: Any,
) -> Iterator[SourceFile]:
    """Every file below the paths, once, sorted within each path.

    Hidden (`.x`, `_x`) and unfinished (`x.tmp`, `x.part`, ...) files, those of kinds that hold no
    messages (unless `take_all`), what cannot be read and the folders of the `home` are given to
    `leave_out` with the reason; a file named itself is left out only when it cannot be read.
    `options` go to the file system of URLs (`anon=True` for a public bucket). Raises UsageFault that
    lists, by number, every path where nothing is: names of files may be names of patients.
    """
    listings = [_list_one(path, Walk(leave_out, home, take_all), options) for path in paths]
    missing = [number for number, found in enumerate(listings, 1) if found is None]
    if missing:
        raise UsageFault(_nothing_at(missing, len(listings)))
    known: set[str] = set()
    for listing in listings:
        for source in sorted(listing or (), key=lambda one: one.uri):
            if source.uri not in known:
                known.add(source.uri)
                yield source


def _nothing_at(missing: Sequence[int], count: int) -> str:
    """Which of the given paths lead nowhere."""
    if count == 1:
        return "Nothing is at the path given; check the path."
    return (
        f"Nothing is at path {', '.join(map(str, missing))} of the {count} given; check the path."
    )


def is_there(url: str, **options: Any) -> bool:
    """Ask the store of a URL for one object or prefix, listing nothing; raises as `list_sources`."""
    with source_errors(url):
        system, root = _file_system(url, **options)
        if any(mark in root for mark in _GLOB_MARKS) and not system.exists(root):
            root = _fixed_part(root)
        with suppress(FileNotFoundError):
            system.info(root)
            return True
    return False


@contextmanager
def open_source(source: SourceFile, **options: Any) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a source, as a stream.

    Opening and reading raise TransientError when a store does not answer, PermanentError when
    access is refused or compressed bytes are damaged, UsageFault when it is gone. When it is read to
    its end, `fault_of` says whether that was all of it.
    """
    with source_errors(source.uri):
        raw = _open_raw(source.uri, options)
    with open_unpacked(raw, source.uri) as stream:
        yield stream


def _open_raw(uri: str, options: dict[str, Any]) -> Any:
    local = path_of(uri)
    if local is not None:
        return local.open("rb", buffering=0)
    system, path = _file_system(uri, **options)
    return system.open(path, "rb")


def _list_one(path: str, walk: Walk, options: dict[str, Any]) -> list[SourceFile] | None:
    """What is at a path, None when nothing is."""
    local = path_of(path)
    with source_errors(path):
        if local is not None:
            return _list_local(local.expanduser(), walk)
        found = _list_url(path, options)
    if found is None:
        return None
    return [one.source for one in found if not _is_left_out(one, walk)]


def _is_left_out(found: _Found, walk: Walk) -> bool:
    reason = walk.reason_by_name(found.names)
    if reason is not None:
        walk.leave_out(LeftOut(found.source.uri, reason))
    return reason is not None


def _list_local(path: Path, walk: Walk) -> list[SourceFile] | None:
    if os.path.lexists(path):
        return list(walk.files(path.absolute()))
    matches = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207
    fixed = _fixed_part(str(path)) if matches else ""
    found = [
        source
        for match in matches
        for source in walk.files(match.absolute(), match.relative_to(fixed).parts)
    ]
    return found if matches else None


def _list_url(url: str, options: dict[str, Any]) -> list[_Found] | None:
    with suppress(FileNotFoundError):  # a bucket that does not exist; a prefix is only empty
        return _list_objects(url, options)
    return None


def _list_objects(url: str, options: dict[str, Any]) -> list[_Found] | None:
    system, root = _file_system(url, **options)
    system.invalidate_cache()
    if not any(mark in root for mark in _GLOB_MARKS) or system.exists(root):
        return list(_find(system, root)) or None
    found: list[_Found] = []
    fixed = _fixed_part(root)
    for name, entry in system.glob(root, detail=True).items():
        if entry.get("type") == "directory":
            found += _find(system, name, below=fixed)
        else:
            found.append(_remote(system, entry, below=fixed))
    return found or None


def _find(system: Any, root: str, *, below: str | None = None) -> Iterator[_Found]:
    """Every object below a prefix; an object of a folder's name is the folder's mark, not data."""
    entries: Iterable[dict[str, Any]] = system.find(root, detail=True).values()
    for entry in entries:
        if not entry["name"].endswith("/"):
            yield _remote(system, entry, below=root if below is None else below)


def _fixed_part(pattern: str) -> str:
    """The folders of a pattern that are before its first mark."""
    first = min(pattern.index(mark) for mark in _GLOB_MARKS if mark in pattern)
    return pattern[:first].rpartition("/")[0]


def _remote(system: Any, entry: dict[str, Any], *, below: str) -> _Found:
    modified = entry.get("LastModified") or entry.get("mtime") or entry.get("created")
    seconds = modified.timestamp() if isinstance(modified, datetime) else modified
    mtime_ns = round(seconds * 1e9) if isinstance(seconds, int | float) else 0
    etag = str(entry.get("ETag") or entry.get("etag") or entry.get("md5Hash") or "").strip('"')
    name = str(entry["name"])
    uri = str(system.unstrip_protocol(name))
    inner = name.removeprefix(below.rstrip("/")).strip("/")
    return _Found(
        SourceFile(uri, int(entry.get("size") or 0), mtime_ns, etag),
        tuple(inner.split("/")) if inner else (),
    )
