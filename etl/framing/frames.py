"""The words of framing: what an item is and what every framer promises. Finds nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from etl.errors import PermanentError

ITEM = 0
"""Kind of an item that may be a message."""
BROKEN = 1
"""Kind of an item that is no JSON value; it is quarantined whole."""
TRUNCATED = 2
"""Kind of an item whose end is missing, or of what is where an array's end is missing; it may
have no bytes at all."""

CROWDED = 3
"""Kind of the rest of an object that holds too many items too short to be messages."""

PURGED = 4
"""Kind of an item whose bytes a purge has overwritten with spaces; it is nothing any more."""

NO_TIME = np.iinfo(np.int64).min
"""Used in `received_at_us` where the bytes do not say when a message was received."""

Int64Array = NDArray[np.int64]
Int8Array = NDArray[np.int8]


def _no_int64() -> Int64Array:
    return np.empty(0, dtype=np.int64)


def _no_int8() -> Int8Array:
    return np.empty(0, dtype=np.int8)


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """A run of items in the order of their bytes; four arrays of one length.

    `offset` and `length` are bytes of the uncompressed content, `kind` is ITEM, BROKEN,
    TRUNCATED, CROWDED or PURGED,
    `received_at_us` is microseconds since 1970 UTC or NO_TIME.
    """

    offset: Int64Array = field(default_factory=_no_int64)
    length: Int64Array = field(default_factory=_no_int64)
    kind: Int8Array = field(default_factory=_no_int8)
    received_at_us: Int64Array = field(default_factory=_no_int64)

    def __len__(self) -> int:
        return len(self.offset)


class Framer(Protocol):
    """Finds items in bytes fed in order; remembers only what the next chunk needs.

    After `finish`, separator_bytes + torn_bytes + the lengths of all items = the bytes fed.
    """

    @property
    def separator_bytes(self) -> int: ...

    @property
    def torn_bytes(self) -> int: ...

    @property
    def counted_bytes(self) -> int | None:
        """Bytes of all items where they are not bytes of the content, as in Parquet; else None."""
        ...

    def feed(self, chunk: bytes) -> FrameBatch: ...

    def finish(self) -> FrameBatch: ...


def make_batch(
    offset: Sequence[int] | Int64Array,
    length: Sequence[int] | Int64Array,
    *,
    kind: int | Sequence[int] = ITEM,
    received_at_us: Sequence[int] | Int64Array | None = None,
) -> FrameBatch:
    """Make a batch from plain sequences; one kind for all, or one per item."""
    count = len(offset)
    kinds = np.full(count, kind, np.int8) if isinstance(kind, int) else np.asarray(kind, np.int8)
    times = np.full(count, NO_TIME) if received_at_us is None else received_at_us
    return FrameBatch(
        np.asarray(offset, np.int64),
        np.asarray(length, np.int64),
        kinds,
        np.asarray(times, np.int64),
    )


def take_slice(batch: FrameBatch, start: int, stop: int) -> FrameBatch:
    """The items start <= position < stop of a batch."""
    own = slice(start, stop)
    return FrameBatch(
        batch.offset[own], batch.length[own], batch.kind[own], batch.received_at_us[own]
    )


def join_batches(batches: Iterable[FrameBatch]) -> FrameBatch:
    """Join batches into one, in their order."""
    kept = [batch for batch in batches if len(batch)]
    if len(kept) == 1:
        return kept[0]
    if not kept:
        return FrameBatch()
    return FrameBatch(
        np.concatenate([batch.offset for batch in kept]),
        np.concatenate([batch.length for batch in kept]),
        np.concatenate([batch.kind for batch in kept]),
        np.concatenate([batch.received_at_us for batch in kept]),
    )


class Account:
    """Checks that items come in order, apart, and with the separators make up all bytes."""

    def __init__(self) -> None:
        self.item_count = 0
        self._item_bytes = 0
        self._end = 0

    def add(self, batch: FrameBatch) -> None:
        """Take the next items; raises PermanentError when one begins before the last has ended."""
        if not len(batch):
            return
        ends = batch.offset + batch.length
        is_ordered = batch.offset[0] >= self._end and bool(np.all(batch.offset[1:] >= ends[:-1]))
        if not is_ordered:
            raise PermanentError("The framer found items that overlap; report this as a defect.")
        self.item_count += len(batch)
        self._item_bytes += int(batch.length.sum())
        self._end = int(ends[-1])

    def check(self, framer: Framer, *, size_bytes: int) -> None:
        """Raise PermanentError unless every byte belongs to an item or to the separators."""
        accounted = self._item_bytes + framer.separator_bytes + framer.torn_bytes
        if accounted != size_bytes or self._end > size_bytes:
            raise PermanentError(
                f"The framer accounts for {accounted} of {size_bytes} bytes; report this as a "
                "defect."
            )
