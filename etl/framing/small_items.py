"""A limit of items that are too short to be messages, such as an archive of 31 million `{}`.

Each item that is quarantined has a row of its own. Where more of them come than any accident explains,
the rest of the object is kept as one item. Messages that share the bytes of one item count as well.
"""

from __future__ import annotations

import numpy as np

from etl.framing.frames import CROWDED, FrameBatch, Framer, join_batches, make_batch, take_slice
from etl.framing.places import is_part

SHORTEST_MESSAGE_BYTES = 40
"""`{"Meta":{"DataModel":"X","EventType":"Y"}}` has 42."""


class SmallItemLimit:
    """A framer that hands on what another finds, until it finds too many small items."""

    def __init__(self, framer: Framer, *, most: int) -> None:
        self._framer = framer
        self._left = most
        self._fed_bytes = 0
        self._item_bytes = 0
        self._rest_at: int | None = None

    @property
    def separator_bytes(self) -> int:
        if self._rest_at is None:
            return self._framer.separator_bytes
        return self._rest_at - self._item_bytes

    @property
    def counted_bytes(self) -> int | None:
        return self._framer.counted_bytes

    @property
    def torn_bytes(self) -> int:
        return self._framer.torn_bytes if self._rest_at is None else 0

    def feed(self, chunk: bytes) -> FrameBatch:
        """Take the next bytes; gives the items that are complete and within the limit."""
        self._fed_bytes += len(chunk)
        return FrameBatch() if self._rest_at is not None else self._within(self._framer.feed(chunk))

    def finish(self) -> FrameBatch:
        """Take the end; what is beyond the limit is one item."""
        if self._rest_at is None:
            last = self._within(self._framer.finish())
            if self._rest_at is None:
                return last
            return join_batches([last, self._rest()])
        return self._rest()

    def _within(self, batch: FrameBatch) -> FrameBatch:
        if not len(batch):
            return batch
        parts = is_part(batch)
        is_small = _bytes_of_each(batch, parts) < SHORTEST_MESSAGE_BYTES
        small = int(is_small.sum())
        if small <= self._left:
            self._left -= small
            self._item_bytes += int(batch.length.sum())
            return batch
        keep = int(is_small.nonzero()[0][self._left])
        keep = int((~parts[: keep + 1]).nonzero()[0][-1])  # an item is never cut between its parts
        self._rest_at = int(batch.offset[keep])
        kept = take_slice(batch, 0, keep)
        self._item_bytes += int(kept.length.sum())
        return kept

    def _rest(self) -> FrameBatch:
        assert self._rest_at is not None
        return make_batch([self._rest_at], [self._fed_bytes - self._rest_at], kind=CROWDED)


def _bytes_of_each(batch: FrameBatch, parts: np.ndarray) -> np.ndarray:
    """How many bytes a message has: those of its item, shared where the item holds several."""
    if not parts.any():
        return batch.length
    holder = np.cumsum(~parts) - 1
    each: np.ndarray = (batch.length[~parts] / np.bincount(holder))[holder]
    return each
