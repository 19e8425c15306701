"""Recognizes, in a column of event types, the replies that came under their query's event type.

What tells them apart is compiled from the catalog (`models.compile.replies`). Only messages under a
query's event type are inspected, all others cost one look-up of the column.
"""

from __future__ import annotations

from collections.abc import Set

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.catalog.records import Catalog
from models.compile.replies import ReplyShape, compile_replies
from models.compile.shapes import Node, NodeKind

REPLY_UNDER_QUERY = "reply_under_query_event"
Integers = npt.NDArray[np.int64]


class ReplyReader:
    """The reply shapes of a catalog, compiled as data models are met."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._shapes: dict[str, dict[str, ReplyShape]] = {}

    def read_events(
        self, data_model: str, event_types: pa.Array, messages: pa.StructArray, root: Node
    ) -> pa.Array:
        """The event type each message is read as: `event_types`, replies under a query's corrected.

        `messages` is one struct per message in the shape of `root`, `event_types` their
        Meta.EventType as received. The same array comes back where nothing is corrected.
        """
        if data_model not in self._shapes:
            self._shapes[data_model] = compile_replies(self._catalog, data_model)
        for query, shape in self._shapes[data_model].items():
            asked = np.flatnonzero(pc.fill_null(pc.equal(event_types, query), False))
            if len(asked):
                replies = asked[_are_replies(messages.take(_indices(asked)), root, shape)]
                event_types = _corrected(event_types, replies, shape.reply)
        return event_types


def _are_replies(messages: pa.StructArray, root: Node, shape: ReplyShape) -> npt.NDArray[np.bool_]:
    of_reply = count_populated(messages, root, shape.only_reply)
    return of_reply > count_populated(messages, root, shape.only_query)


def count_populated(messages: pa.StructArray, root: Node, paths: Set[str]) -> Integers:
    """How many of `paths` (of values, arrays of scalars included) each message has populated."""
    counts = np.zeros(len(messages), dtype=np.int64)
    within = {
        ".".join(path.split(".")[:end]) for path in paths for end in range(path.count(".") + 2)
    }
    _count(messages, root, within, np.arange(len(messages)), counts)
    return counts


def _count(
    holders: pa.StructArray, node: Node, within: Set[str], owners: Integers, counts: Integers
) -> None:
    """Add the populated values below `holders`; `owners` names the message of each of them."""
    for key, child in node.children.items():
        index = holders.type.get_field_index(key) if child.path in within else -1
        column = holders.field(index) if index >= 0 else None
        if column is None or column.null_count == len(column):
            continue
        below = owners
        if child.kind in (NodeKind.OBJECTS, NodeKind.SCALARS):
            below = owners[np.asarray(pc.list_parent_indices(column))]
            column = pc.list_flatten(column)
        if child.kind in (NodeKind.OBJECT, NodeKind.OBJECTS):
            _count(column, child, within, below, counts)
        else:
            counts[np.unique(below[_populated(column)])] += 1


def _populated(column: pa.Array) -> npt.NDArray[np.bool_]:
    if pa.types.is_string(column.type):
        return np.asarray(pc.fill_null(pc.greater(pc.binary_length(column), 0), False))
    return np.asarray(pc.is_valid(column))


def _corrected(event_types: pa.Array, rows: Integers, event_type: str) -> pa.Array:
    if not len(rows):
        return event_types
    is_reply = np.zeros(len(event_types), dtype=np.bool_)
    is_reply[rows] = True
    return pc.if_else(pa.array(is_reply), event_type, event_types)


def _indices(rows: Integers) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), rows.size, [None, pa.py_buffer(rows)])
