"""Takes sources in: lands each, and gathers what is new in them into portions of one load each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from etl.errors import PermanentError, RedoxWarehouseError, UsageFault
from etl.landing.bundles import Collector
from etl.landing.store import LandedObject, Landing
from etl.pipeline.ahead import land_ahead
from etl.pipeline.records import LoadSummary, Piece, Progress
from etl.pipeline.units import Unit, cut_into_pieces, cut_into_units
from etl.sources.files import SourceFile
from etl.sources.seen import SeenEntry

Refused = Callable[[SourceFile, RedoxWarehouseError], None]
Tag = tuple[str, int, str]
"""URI, size and ETag: what tells the content of an object of a store unread."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What one load takes: pieces of landed objects, and the same as units of work."""

    pieces: tuple[Piece, ...]
    units: tuple[Unit, ...]


@dataclass(slots=True)
class Intake:
    """Sources on their way to loads.

    `taken` are the items that were loaded before, by object; of `purged` objects nothing may be
    kept; `unchanged` are the objects that need not be opened, by tag. A source that permanently
    cannot be read raises, or is passed to `refused`, remembered as seen without an object, and left
    out. `summary` counts objects, `seen` is what to remember, `skipped_ids` are objects that were
    known; they are complete when the last portion was taken.
    """

    landing: Landing
    land: Callable[[SourceFile, Collector | None], LandedObject]
    progress: Progress
    load_bytes: int
    unwrap: str
    taken: dict[str, int]
    unchanged: Mapping[Tag, str]
    refused: Refused | None
    purged: frozenset[str] = frozenset()
    summary: LoadSummary = field(default_factory=LoadSummary)
    seen: list[SeenEntry] = field(default_factory=list)
    skipped_ids: list[str] = field(default_factory=list)
    _unwanted: list[str] = field(default_factory=list)

    def portions(self, sources: Iterable[SourceFile]) -> Iterator[Portion]:
        """Many small sources together, large ones in parts."""
        pieces = (self._take(source, landing) for source, landing in self._landed(sources))
        yield from self._gathered(chain.from_iterable(pieces))
        self._remove_unwanted()

    def portions_of_landed(self, objects: Iterable[LandedObject]) -> Iterator[Portion]:
        """The same of objects that were landed before."""
        return self._gathered(chain.from_iterable(map(self._new_in, objects)))

    def _gathered(self, pieces: Iterable[tuple[Piece, int]]) -> Iterator[Portion]:
        gathered: list[Piece] = []
        size_bytes = 0
        for piece, piece_bytes in pieces:
            if gathered and size_bytes + piece_bytes > self.load_bytes:
                yield self._portion(gathered)
                gathered, size_bytes = [], 0
            gathered.append(piece)
            size_bytes += piece_bytes
        if gathered:
            yield self._portion(gathered)

    def _landed(
        self, sources: Iterable[SourceFile]
    ) -> Iterator[tuple[SourceFile, Callable[[], LandedObject]]]:
        changed = self._changed(sources)
        return land_ahead(changed, self.land, self.landing.new_collector)

    def _changed(self, sources: Iterable[SourceFile]) -> Iterator[SourceFile]:
        """Those that must be opened to know what they hold."""
        for source in sources:
            object_id = self.unchanged.get(_tag_of(source))
            if object_id is None:
                yield source
            else:
                self.summary += LoadSummary(objects=1, skipped_objects=1)
                self.skipped_ids.append(object_id)

    def _take(
        self, source: SourceFile, landing: Callable[[], LandedObject]
    ) -> Iterator[tuple[Piece, int]]:
        """Wait until a source is landed; gives what of it is new."""
        try:
            landed = landing()
        except (PermanentError, UsageFault) as error:
            if self.refused is None:
                raise
            self.refused(source, error)
            self.seen.append(_seen_entry(source, ""))
            return
        self.progress("landed", landed.item_count, landed.size_bytes)
        self.seen.append(_seen_entry(source, landed.object_id))
        yield from self._new_in(landed)

    def _new_in(self, landed: LandedObject) -> Iterator[tuple[Piece, int]]:
        """What of a landed object is not loaded yet."""
        self.summary += LoadSummary(objects=1)
        start = self.taken.get(landed.object_id, 0)
        if landed.object_id in self.taken and start >= landed.item_count:
            self.summary += LoadSummary(skipped_objects=1)
            self.skipped_ids.append(landed.object_id)
            if landed.object_id in self.purged:
                self._unwanted.append(landed.object_id)
            return
        self.taken[landed.object_id] = max(landed.item_count, 1)
        yield from cut_into_pieces(
            self.landing, landed, unwrap=self.unwrap, start=start, load_bytes=self.load_bytes
        )

    def _remove_unwanted(self) -> None:
        """Forget what was purged before and came again."""
        if self._unwanted:
            self.landing.remove(self._unwanted)
            self._unwanted = []

    def _portion(self, pieces: list[Piece]) -> Portion:
        self._remove_unwanted()
        return Portion(tuple(pieces), tuple(cut_into_units(self.landing, pieces)))


def unchanged_objects(entries: Iterable[SeenEntry], taken: Mapping[str, int]) -> dict[Tag, str]:
    """Return the objects of a store that are loaded already, by tag."""
    return {
        (entry.uri, entry.size, entry.etag): entry.object_id
        for entry in entries
        if entry.etag and entry.object_id in taken
    }


def _tag_of(source: SourceFile) -> Tag:
    return source.uri, source.size, source.etag


def _seen_entry(source: SourceFile, object_id: str) -> SeenEntry:
    return SeenEntry(source.uri, source.size, source.mtime_ns, source.etag, object_id)
