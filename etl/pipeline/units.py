"""Units of work: runs of items of landed objects, cut so that one is read at a stretch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from etl.kernel.settle import Origin
from etl.landing.store import LandedObject, Landing
from etl.pipeline.records import Piece

Integers = npt.NDArray[np.int64]

UNIT_BYTES = 32 * 2**20
UNIT_ITEMS = 40_000
LOAD_ITEMS = 2_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Run:
    """Items of one landed object that follow each other.

    Arrays have one value per item; offsets and lengths in bytes, received_at_us in microseconds
    UTC or NO_TIME. `fallback_day` is the day of landing, in days since 1970.
    """

    object_id: str
    unwrap: str
    fallback_day: int
    first_item: int
    offset: Integers
    length: Integers
    kind: npt.NDArray[np.int8]
    received_at_us: Integers

    def __len__(self) -> int:
        return len(self.offset)

    @property
    def size_bytes(self) -> int:
        """Of the items, without what is between them."""
        return int(self.length.sum())

    @property
    def span_bytes(self) -> int:
        """From the first byte of the first item to the last of the last, separators included."""
        return int(self.offset[-1] + self.length[-1] - self.offset[0]) if len(self) else 0

    def part(self, start: int, stop: int) -> Run:
        """Some of the items."""
        chosen = slice(start, stop)
        return Run(
            self.object_id,
            self.unwrap,
            self.fallback_day,
            self.first_item + start,
            self.offset[chosen],
            self.length[chosen],
            self.kind[chosen],
            self.received_at_us[chosen],
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """Runs that go through the kernel together; its items are numbered through all of them."""

    runs: tuple[Run, ...]

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    @property
    def size_bytes(self) -> int:
        """Of the items."""
        return sum(run.size_bytes for run in self.runs)

    def lengths(self) -> Integers:
        """Bytes of each item."""
        return np.concatenate([run.length for run in self.runs])


def cut_into_pieces(
    landing: Landing, landed: LandedObject, *, unwrap: str, start: int, load_bytes: int
) -> Iterator[tuple[Piece, int]]:
    """Parts of an object that fit into one load each, from item `start` on, with their bytes."""
    if landed.size_bytes <= load_bytes and landed.item_count <= LOAD_ITEMS:
        yield Piece(landed, unwrap, start, landed.item_count), landed.size_bytes
        return
    for first in range(start, landed.item_count, LOAD_ITEMS):
        stop = min(first + LOAD_ITEMS, landed.item_count)
        length = landing.items(landed.object_id, first, stop).length
        for a, b in _cuts(length, load_bytes, LOAD_ITEMS):
            yield Piece(landed, unwrap, first + a, first + b), int(length[a:b].sum())


def cut_into_runs(landing: Landing, piece: Piece) -> Iterator[Run]:
    """The piece in runs of at most one unit."""
    span = piece.first_item, piece.stop_item
    whole = run_of(landing, piece.landed, unwrap=piece.unwrap, span=span)
    for start, stop in _cuts(whole.length, UNIT_BYTES, UNIT_ITEMS):
        yield whole.part(start, stop)


def run_of(landing: Landing, landed: LandedObject, *, unwrap: str, span: tuple[int, int]) -> Run:
    """Items start <= position < stop of an object, where the landing's index has them."""
    first, stop = span
    items = landing.items(landed.object_id, first, stop)
    return Run(
        object_id=landed.object_id,
        unwrap=unwrap,
        fallback_day=(landed.landed_at - _EPOCH).days,
        first_item=first,
        offset=items.offset,
        length=items.length,
        kind=items.kind,
        received_at_us=items.received_at_us,
    )


def gather_units(runs: Iterable[Run]) -> Iterator[Unit]:
    """Runs in units of about UNIT_BYTES; small ones of many objects share a unit."""
    gathered: list[Run] = []
    size_bytes = 0
    for run in runs:
        if gathered and size_bytes + run.size_bytes > UNIT_BYTES:
            yield Unit(tuple(gathered))
            gathered, size_bytes = [], 0
        gathered.append(run)
        size_bytes += run.size_bytes
    if gathered:
        yield Unit(tuple(gathered))


def cut_into_units(landing: Landing, pieces: Sequence[Piece]) -> Iterator[Unit]:
    """The pieces in units of work."""
    return gather_units(run for piece in pieces for run in cut_into_runs(landing, piece))


def _cuts(length: Integers, most_bytes: int, most_items: int) -> Iterator[tuple[int, int]]:
    """Cut items into runs of at most so many bytes and items; a large item is a run of its own."""
    ends = np.cumsum(length)
    start = 0
    while start < len(length):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + most_bytes, side="right"))
        stop = min(max(stop, start + 1), start + most_items, len(length))
        yield start, stop
        start = stop


def origin_of(unit: Unit) -> Origin:
    """Where the items of a unit come from."""
    counts = [len(run) for run in unit.runs]
    of_item = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    items = [np.arange(run.first_item, run.first_item + len(run)) for run in unit.runs]
    return Origin(tuple(run.object_id for run in unit.runs), of_item, np.concatenate(items))
