"""How often is each path populated? A plain recount from payloads.

Part of the slow reference, imports nothing of ours.

Per (day, source, facility, data model, event type, test flag): messages, and per path messages and
elements. Leaf, object and array paths alike; an array counts its elements that hold something.
Paths are those of the payload; `as_listed` first brings a payload into listed shapes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from tests.reference.json_text import Object, Value
from tests.reference.leaves import Step, Steps, is_populated, path_text


class Group(NamedTuple):
    """What a message counts under; "" where Meta does not say, day is UTC."""

    day: str
    source_id: str
    facility_code: str
    data_model: str
    event_type: str
    is_test: bool


class Count(NamedTuple):
    """Messages in which a path is populated, and how often it is populated in all."""

    messages: int
    elements: int


class Reply(NamedTuple):
    """What a query's event type may hide: the reply, the values that only one of the two lists."""

    event_type: str
    only_reply: frozenset[str]
    only_query: frozenset[str]


Replies = Mapping[tuple[str, str], Reply]


@dataclass
class Population:
    """The recount: messages per group, and per group and path the populated ones."""

    messages: Counter[Group] = field(default_factory=Counter)
    path_messages: Counter[tuple[Group, str]] = field(default_factory=Counter)
    path_elements: Counter[tuple[Group, str]] = field(default_factory=Counter)

    def add(self, payload: Value, *, received_day: str = "", replies: Replies) -> None:
        group, counts = group_of(payload, received_day=received_day), count_paths(payload)
        reply = replies.get((group.data_model, group.event_type))
        if reply and len(counts.keys() & reply.only_reply) > len(counts.keys() & reply.only_query):
            group = group._replace(event_type=reply.event_type)
        self.messages[group] += 1
        for path, elements in counts.items():
            self.path_messages[group, path] += 1
            self.path_elements[group, path] += elements

    def counts(self) -> dict[tuple[Group, str], Count]:
        return {
            key: Count(messages, self.path_elements[key])
            for key, messages in self.path_messages.items()
        }


def recount(payloads: Iterable[Value], *, replies: Replies, received_day: str = "") -> Population:
    """The population of a run of payloads; `replies` by data model and the query's event type.

    `received_day` is the day of those that have no time of their own.
    """
    population = Population()
    for payload in payloads:
        population.add(payload, received_day=received_day, replies=replies)
    return population


def count_paths(payload: Value) -> Counter[str]:
    """The populated occurrences of every path of one payload."""
    return Counter(path_text(path) for path in _occurrences(payload, ()))


def _occurrences(value: Value, path: Steps) -> Iterator[Steps]:
    if not is_populated(value):
        return
    if isinstance(value, list):
        *before, last = path
        inner = (*before, Step(last.key, last.arrays + 1))
        for element in value:
            yield from _occurrences(element, inner)
        return
    if path:
        yield path
    if isinstance(value, Object):
        for key, member in value.members.items():
            yield from _occurrences(member, (*path, Step(key, 0)))


def group_of(payload: Value, *, received_day: str = "") -> Group:
    """The group a payload counts under."""
    meta = payload.get("Meta") if isinstance(payload, Object) else None
    read: Callable[..., Value] = meta.get if isinstance(meta, Object) else lambda *_: None
    return Group(
        day=utc_day(read("EventDateTime")) or received_day,
        source_id=_text(read("Source", "ID")),
        facility_code=_text(read("FacilityCode")),
        data_model=_text(read("DataModel")),
        event_type=_text(read("EventType")),
        is_test=read("Test") is True,
    )


def utc_day(value: Value) -> str:
    """The UTC date of a canonical time, "" for anything else."""
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return ""
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def as_listed(value: Value, listed: Collection[str], path: str = "") -> Value:
    """A payload in its listed shapes: a lone object becomes an array of one where an array is
    listed, an array of one becomes that element where an object is listed; where both are listed
    the value's own shape decides. What is not listed, or fits neither shape, goes."""
    if not isinstance(value, Object):
        return value
    members = ((key, member, f"{path}.{key}" if path else key) for key, member in value.pairs)
    return Object(
        tuple(
            (key, _member_as_listed(member, listed, below))
            for key, member, below in members
            if below in listed or f"{below}[]" in listed
        )
    )


def _member_as_listed(value: Value, listed: Collection[str], path: str) -> Value:
    if isinstance(value, list) and f"{path}[]" in listed:
        return [as_listed(element, listed, f"{path}[]") for element in value]
    if path in listed:
        return as_listed(_lone_object(value), listed, path)
    return [as_listed(value, listed, f"{path}[]")] if isinstance(value, Object) else None


def _lone_object(value: Value) -> Value:
    if not isinstance(value, list):
        return value
    return value[0] if len(value) == 1 and isinstance(value[0], Object) else None
