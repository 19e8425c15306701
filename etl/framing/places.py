"""Places: where the bytes of an item are, also of one that is a part of the item before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from etl.framing.frames import ITEM, FrameBatch

ReadItems = Callable[[int, int], FrameBatch]
_FIRST_WINDOW = 64


@dataclass(frozen=True, slots=True)
class Place:
    """The bytes that hold a message: it is number `part` (from 0) of the `parts` in them."""

    offset: int
    length: int
    part: int
    parts: int


def is_part(items: FrameBatch) -> np.ndarray:
    """Return which items are further messages in the bytes of an item before them."""
    parts: np.ndarray = (items.length == 0) & (items.kind == ITEM)
    return parts


def find_place(read_items: ReadItems, item: int, *, item_count: int) -> Place:
    """The place of an item; `read_items` gives the items from one position up to another."""
    first = _find_first(read_items, item)
    stop = _find_stop(read_items, item + 1, item_count)
    holder = read_items(first, first + 1)
    return Place(int(holder.offset[0]), int(holder.length[0]), item - first, stop - first)


def _find_first(read_items: ReadItems, item: int) -> int:
    """The item whose bytes hold the message."""
    size, stop = _FIRST_WINDOW, item + 1
    while stop > 0:
        start = max(stop - size, 0)
        whole = np.flatnonzero(~is_part(read_items(start, stop)))
        if len(whole):
            return start + int(whole[-1])
        stop, size = start, size * 4
    return item


def _find_stop(read_items: ReadItems, item: int, item_count: int) -> int:
    """The first item from `item` on that is not a part."""
    size = _FIRST_WINDOW
    while item < item_count:
        whole = np.flatnonzero(~is_part(read_items(item, min(item + size, item_count))))
        if len(whole):
            return item + int(whole[0])
        item, size = item + size, size * 4
    return item_count
