"""The plan of an event type: the tree of its listed fields, each with its pool and default rate.

Built once per event type from the catalog. Which fields a message really carries is `shapes`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from etl.synth import wordlists
from etl.synth.pools import Pool, Pools, json_bytes
from etl.synth.records import Columns, Records
from models.catalog.records import (
    Catalog,
    EventType,
    Expectation,
    Field,
    JsonType,
    Rating,
    ValueSetKind,
)
from models.compile.replies import ReplyShape, compile_replies

RATED = {Rating.RELIABLE: 0.97, Rating.PROBABLE: 0.72, Rating.POSSIBLE: 0.3}


class Kind(StrEnum):
    LEAF = "leaf"
    OBJECT = "object"
    ARRAY = "array"
    SCALARS = "scalars"


@dataclass(frozen=True, slots=True)
class Group:
    """A record that fills an object; `level` is its place among the open records."""

    name: str
    columns: Columns
    level: int
    path: str


@dataclass(frozen=True, slots=True)
class Node:
    """One listed path. `pools` has one pool per ordinal, the last serving all further ones.

    `level` tells which open record draws the value, -1 for a draw of its own; `opens` names the
    record the object opens, if any. `rate` is the default share given the parent; `rated` the
    documented share of messages, if any. `has_one_shape` is False where
    another event type of the model lists the path in another shape, so that either is right.
    """

    index: int
    name: str
    path: str
    kind: Kind
    field: Field
    children: tuple[Node, ...]
    pools: tuple[Pool, ...]
    level: int
    opens: str
    rate: float
    required: bool
    rated: float | None
    has_one_shape: bool

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Plan:
    """All top-level nodes of one event type, Meta first; `size` is the number of nodes.

    `query` is the event type that a reply answers, None for all others.
    """

    event: EventType
    nodes: tuple[Node, ...]
    size: int
    query: Query | None = None

    def walk(self) -> Iterator[Node]:
        for node in self.nodes:
            yield from node.walk()


@dataclass(frozen=True, slots=True)
class Query:
    """The event type of a query, and how its reply is told from it."""

    event_type: str
    shape: ReplyShape


def bare(path: str) -> str:
    """A path without brackets."""
    return path.replace("[]", "")


class Planner:
    """Builds plans; keeps what all plans share."""

    def __init__(self, catalog: Catalog, pools: Pools, records: Records) -> None:
        self._catalog = catalog
        self._pools = pools
        self._records = records

    def plan(self, event: EventType) -> Plan:
        """The plan of one event type."""
        return _PlanBuilder(self._catalog, self._pools, self._records, event).build()


class _PlanBuilder:
    def __init__(self, catalog: Catalog, pools: Pools, records: Records, event: EventType) -> None:
        self._pools, self._records, self._event = pools, records, event
        self._value_sets = catalog.value_sets
        self._shapes = Counter(bare(field.path) for field in catalog.fields[event.data_model])
        self._by_parent: dict[str, list[Field]] = {}
        for field in catalog.fields[event.data_model]:
            if event.event_type in field.event_types:
                self._by_parent.setdefault(field.parent, []).append(field)
        self._expectations = expectations_of(catalog, event)
        self._literals = {"Meta.DataModel": event.data_model, "Meta.EventType": event.event_type}
        self._query = query_of(catalog, event)
        self._size = 0

    def build(self) -> Plan:
        top = sorted(self._by_parent[""], key=lambda field: (field.path != "Meta", field.path))
        nodes = tuple(self._node(field, groups=()) for field in top)
        return Plan(self._event, nodes, self._size, self._query)

    def _node(self, field: Field, *, groups: tuple[Group, ...]) -> Node:
        index, self._size = self._size, self._size + 1
        below = self._by_parent.get(field.path, [])
        opened = self._open(field, below, groups)
        kind = kind_of(field)
        expectation = self._expectations.get(field.path)
        pools, level = ((), -1) if kind in (Kind.OBJECT, Kind.ARRAY) else self._fill(field, groups)
        return Node(
            index=index,
            name=field.name,
            path=field.path,
            kind=kind,
            field=field,
            children=tuple(self._node(child, groups=groups + opened) for child in below),
            pools=pools,
            level=level,
            opens=opened[0].name if opened else "",
            rate=_default_rate(field, kind),
            required=bool(expectation and expectation.required),
            rated=_rated(expectation, _default_rate(field, kind)),
            has_one_shape=self._shapes[bare(field.path)] == 1,
        )

    def _open(
        self, field: Field, below: list[Field], groups: tuple[Group, ...]
    ) -> tuple[Group, ...]:
        group = wordlists.group_of(field.name, frozenset(child.name for child in below))
        if not below or not group:
            return ()
        columns = self._records.columns(group, wordlists.domain_of(bare(field.path)))
        return (Group(group, columns, level=len(groups), path=bare(field.path)),)

    def _fill(self, field: Field, groups: tuple[Group, ...]) -> tuple[tuple[Pool, ...], int]:
        """The pools of a leaf: the outermost record that knows it, else a draw of its own."""
        path = bare(field.path)
        if path in self._literals:
            return ([json_bytes(self._literals[path])],), -1
        for group in groups:
            pools = self._from_record(field, group.columns, path.removeprefix(f"{group.path}."))
            if pools:
                return pools, group.level
        rule = wordlists.value_rule(path)
        return (self._pools.pool_for(field, rule.pool if rule else ""),), -1

    def _from_record(self, field: Field, columns: Columns, path: str) -> tuple[Pool, ...]:
        value_set = self._value_sets.get(field.value_set)
        is_closed = value_set is not None and value_set.kind is ValueSetKind.CLOSED
        allowed = set(value_set.values) if value_set and is_closed else set()
        pools = (columns.pool(name, field, allowed=allowed) for name in columns.names(path))
        return tuple(pool for pool in pools if pool)


def query_of(catalog: Catalog, event: EventType) -> Query | None:
    """The query that a reply answers, None if the event type is no reply."""
    shapes = compile_replies(catalog, event.data_model).items()
    return next((Query(name, one) for name, one in shapes if one.reply == event.event_type), None)


def kind_of(field: Field) -> Kind:
    if field.json_type is JsonType.ARRAY:
        return Kind.ARRAY if field.item_type is JsonType.OBJECT else Kind.SCALARS
    return Kind.OBJECT if field.json_type is JsonType.OBJECT else Kind.LEAF


def expectations_of(catalog: Catalog, event: EventType) -> dict[str, Expectation]:
    """What is documented of the paths of an event type, the most specific line winning."""
    fitting = [
        line
        for line in catalog.expectations
        if line.data_model in ("*", event.data_model)
        and line.event_type in ("*", event.event_type)
        and not line.source_id
    ]
    fitting.sort(key=lambda line: (line.event_type != "*", line.data_model != "*"))
    return {line.path: line for line in fitting}


def _default_rate(field: Field, kind: Kind) -> float:
    if field.json_type is JsonType.ANY:  # Redox's own schema allows only null there
        return 0.0
    rule = wordlists.value_rule(bare(field.path))
    if rule:
        return rule.rate
    return wordlists.DEFAULT_RATE["array" if kind is Kind.SCALARS else kind.value]


def _rated(expectation: Expectation | None, default: float) -> float | None:
    """The rate that obeys a documented rating; above it where the field is always sent."""
    if expectation is None or expectation.rating is None:
        return None
    rate = RATED[expectation.rating]
    return max(rate, default) if expectation.rating is Rating.RELIABLE else rate
