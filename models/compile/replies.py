"""Replies that carry their query's event type, compiled from the catalog: how to recognize them.

Redox's recorded replies have the body of the documented reply (`BookedResponse`) under the event type
of the query (`Booked`). Which paths such a message has populated says which of the two it is. Reading
columns is `etl.check.replies`' business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.catalog.meta_fields import is_meta
from models.catalog.records import Catalog


@dataclass(frozen=True, slots=True)
class ReplyShape:
    """What tells a reply from its query: the paths that only one of the two lists, Meta left out."""

    reply: str
    only_reply: frozenset[str]
    only_query: frozenset[str]

    def is_reply(self, populated: Iterable[str]) -> bool:
        """True if more of the populated paths belong to the reply alone than to the query alone."""
        paths = frozenset(populated)
        return len(paths & self.only_reply) > len(paths & self.only_query)


def compile_replies(catalog: Catalog, data_model: str) -> dict[str, ReplyShape]:
    """The reply of each query event type of a data model, by the query's event type."""
    events = catalog.data_models[data_model].event_types
    return {
        event.event_type: _shape(catalog, data_model, event.event_type, event.reply)
        for event in events
        if event.reply
    }


def read_as(event_type: str, populated: Iterable[str], shapes: Mapping[str, ReplyShape]) -> str:
    """The event type a message is read as: the reply's where a query's event type has its shape."""
    shape = shapes.get(event_type)
    return shape.reply if shape is not None and shape.is_reply(populated) else event_type


def _shape(catalog: Catalog, data_model: str, query: str, reply: str) -> ReplyShape:
    of_query = _values_of(catalog, data_model, query)
    of_reply = _values_of(catalog, data_model, reply)
    return ReplyShape(reply, of_reply - of_query, of_query - of_reply)


def _values_of(catalog: Catalog, data_model: str, event_type: str) -> frozenset[str]:
    """The paths of values (no objects, no arrays of objects) that an event type lists."""
    return frozenset(
        field.path
        for field in catalog.fields[data_model]
        if event_type in field.event_types and not field.holds_fields and not is_meta(field.path)
    )
