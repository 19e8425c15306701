"""Gives messages their ids: dense, in the order received, the first of each content only."""

from __future__ import annotations

from collections.abc import Container

import numpy as np
import numpy.typing as npt

from etl.kernel._reader import HASH_BYTES

NOT_LOADED = -1


def number_messages(
    hashes: npt.NDArray[np.uint64],
    is_loadable: npt.NDArray[np.bool_],
    *,
    known: Container[bytes],
    seen: set[bytes],
    next_id: int,
) -> npt.NDArray[np.int64]:
    """The message_id of each item, NOT_LOADED for what is not loadable or not new.

    `hashes` are two uint64 per item. Content that is `known` to the warehouse or was `seen` at an
    earlier position of the load is a duplicate; what is new is added to `seen`. Ids count up from
    `next_id` without gaps.
    """
    ids = np.full(len(hashes), NOT_LOADED, np.int64)
    text = np.ascontiguousarray(hashes).tobytes()
    for index in np.flatnonzero(is_loadable).tolist():
        content = text[HASH_BYTES * index : HASH_BYTES * (index + 1)]
        if content in seen or content in known:
            continue
        seen.add(content)
        ids[index] = next_id
        next_id += 1
    return ids
