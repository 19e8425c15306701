"""Units of work that travel to worker processes, and what comes back from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from etl.pipeline.staging import StagedTable
from etl.records import About

Integers = npt.NDArray[np.int64]
NOT_LOADED = -1
NOT_LOADABLE = "not_loadable"


@dataclass(frozen=True, slots=True)
class Unit:
    """A run of items of one landed object, small enough to be judged at a stretch.

    Arrays have one value per item; offsets and lengths in bytes, received_at_us in microseconds
    UTC or NO_TIME.
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
        return int(self.length.sum())

    @property
    def span_bytes(self) -> int:
        """From the first byte of the first item to the last of the last, separators included."""
        return int(self.offset[-1] + self.length[-1] - self.offset[0]) if len(self) else 0


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgement of a unit's items: `status` per item, `shape` an index into `shapes`,
    16 fingerprint bytes per item, `reasons` by position for what is quarantined, and `about` what
    of it says of itself."""

    status: npt.NDArray[np.int8]
    shape: npt.NDArray[np.int16]
    shapes: tuple[tuple[str, int], ...]
    fingerprints: bytes
    reasons: dict[int, str]
    received_at_us: Integers
    about: dict[int, About] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A judged unit with the message_id of each item, NOT_LOADED for what is left out."""

    unit: Unit
    judged: Judged
    message_id: Integers

    @property
    def loaded_items(self) -> int:
        """How many items have a message_id."""
        return int((self.message_id != NOT_LOADED).sum())

    @property
    def loaded_bytes(self) -> int:
        """Their bytes."""
        return int(self.unit.length[self.message_id != NOT_LOADED].sum())


@dataclass(frozen=True, slots=True)
class ShareResult:
    """What one share staged; `refused` are message_ids that could not be stored after all."""

    staged: tuple[StagedTable, ...]
    refused: tuple[int, ...]


def runs(length: Integers, most_bytes: int, most_items: int) -> Iterator[tuple[int, int]]:
    """Cut items into runs of at most so many bytes and items; a large item is a run of its own."""
    ends = np.cumsum(length)
    start = 0
    while start < len(length):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + most_bytes, side="right"))
        stop = min(max(stop, start + 1), start + most_items, len(length))
        yield start, stop
        start = stop
