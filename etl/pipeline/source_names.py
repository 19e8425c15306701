"""Source names: the file or object behind an id that was printed instead of its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from etl.errors import RedoxWarehouseError, UsageFault, WarehouseBusy
from etl.pipeline.sources import Sources
from etl.pipeline.watch import watched_paths
from etl.settings import Settings
from etl.sources.files import label_of
from etl.sources.seen import read_seen
from etl.warehouse.connection import open_warehouse, read_lock

LANDED: Final = "landed"
REFUSED: Final = "could not be read"
WAITING: Final = "found, not loaded"
FOLDER: Final = "a folder"
_ID = re.compile(r"(?:source )?([0-9a-f]{6,64})")


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source: where it is, the landed object it is, "" where it is none, and what became of it."""

    uri: str
    object_id: str
    state: str


def find_sources(
    settings: Settings, printed_id: str, paths: Sequence[str] = ()
) -> list[KnownSource]:
    """The sources that an id may mean: that of a source or its folder, or how a landed object's begins.

    Looks at what was loaded or refused, and below the watched paths and `paths`. Raises UsageFault
    where nothing has the id.
    """
    found = _ID.fullmatch(printed_id.strip().lower())
    if found is None:
        raise UsageFault(
            "An id has 6 to 64 hexadecimal digits; copy it from the output that shows it."
        )
    known: dict[str, KnownSource] = {}
    for one in _candidates(settings, paths):
        digits = label_of(one.uri).removeprefix("source ")
        is_meant = digits.startswith(found[1]) or one.object_id.startswith(found[1])
        if is_meant and (one.uri not in known or one.object_id):
            known[one.uri] = one
        folder = one.uri[: one.uri.rfind("/") + 1]
        if folder and label_of(folder).removeprefix("source ").startswith(found[1]):
            known[folder] = KnownSource(folder, "", FOLDER)
    if not known:
        raise UsageFault(
            "No known source has this id; name the paths that were loaded behind it, their "
            "files are looked at too."
        )
    return sorted(known.values(), key=lambda one: one.uri)


def _candidates(settings: Settings, paths: Sequence[str]) -> Iterator[KnownSource]:
    yield from _listed(settings, paths)
    for entry in read_seen(settings.seen_path):
        yield KnownSource(entry.uri, entry.object_id, LANDED if entry.object_id else REFUSED)
    yield from _landed(settings)


def _landed(settings: Settings) -> Iterator[KnownSource]:
    path = settings.warehouse_path
    if not path.exists():
        return
    with (
        suppress(WarehouseBusy),
        read_lock(path, wait_s=0),
        open_warehouse(path, read_only=True) as connection,
    ):
        query = "select uri, object_id from core.landed_object"
        for uri, object_id in connection.execute(query).fetchall():
            yield KnownSource(uri, object_id, LANDED)


def _listed(settings: Settings, paths: Sequence[str]) -> Iterator[KnownSource]:
    for path in (*watched_paths(settings), *paths):
        sources = Sources(settings.buckets, home=settings.home)
        with suppress(RedoxWarehouseError):
            for source in sources.list([path]):
                yield KnownSource(source.uri, "", WAITING)
        for one in sources.left_out:
            yield KnownSource(one.uri, "", f"left out: {one.reason}")
