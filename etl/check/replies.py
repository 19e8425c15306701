"""Recognizes, in a column of event types, the replies that came under their query's event type.

What tells them apart is compiled from the catalog (`models.compile.replies`). Only messages under a
query's event type are inspected, all others cost one look-up of the column.
"""

from __future__ import annotations

from collections.abc import Callable, Set

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.catalog.records import Catalog
from models.compile.replies import ReplyShape, compile_replies

REPLY_UNDER_QUERY = "reply_under_query_event"
Integers = npt.NDArray[np.int64]
CountPopulated = Callable[[Set[str]], Integers]
"""Gives how many of these paths (of values, arrays of scalars included) each message has populated."""


class ReplyReader:
    """The reply shapes of a catalog, compiled as data models are met."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._shapes: dict[str, dict[str, ReplyShape]] = {}

    def read_events(
        self, data_model: str, event_types: pa.Array, count_populated: CountPopulated
    ) -> pa.Array:
        """The event type each message is read as: `event_types`, replies under a query's corrected.

        `event_types` are the messages' Meta.EventType as received. The same array comes back where
        nothing is corrected.
        """
        if data_model not in self._shapes:
            self._shapes[data_model] = compile_replies(self._catalog, data_model)
        for query, shape in self._shapes[data_model].items():
            is_asked = np.asarray(pc.fill_null(pc.equal(event_types, query), False))
            if is_asked.any():
                of_reply = count_populated(shape.only_reply)
                is_reply = is_asked & (of_reply > count_populated(shape.only_query))
                event_types = _corrected(event_types, is_reply, shape.reply)
        return event_types


def _corrected(event_types: pa.Array, is_reply: npt.NDArray[np.bool_], event_type: str) -> pa.Array:
    if not is_reply.any():
        return event_types
    return pc.if_else(pa.array(is_reply), event_type, event_types)
