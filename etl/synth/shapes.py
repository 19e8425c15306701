"""Shapes: messages of an event type with the fields chosen and the values still open.

A set of shapes is grown at once, so that a field of rate 0.9 is carried by 90% of the shapes to
within one shape. How a grown shape becomes text is `template`.
"""

from __future__ import annotations

import random

from etl.synth.dials import Dials, Replies
from etl.synth.plan import Kind, Node, Plan, Query
from etl.synth.pools import json_bytes
from etl.synth.rates import Rates
from etl.synth.template import Blank, Hole, Host, Shape, is_populated, write_shape

DRAW_BITS = 40
EMPTY_TEXT_SHARE = 0.1


def grow_shapes(plan: Plan, rates: Rates, *, dials: Dials, count: int) -> list[Shape]:
    """`count` shapes of one event type at the given rates."""
    hosts = [Host() for _ in range(count)]
    grower = _Grower(plan, rates, dials=dials)
    for node in plan.nodes:
        grower.grow(node, hosts)
    shapes = [write_shape(plan, host) for host in hosts]
    if plan.query is None or dials.replies is Replies.DOCUMENTED:
        return shapes
    return [
        _as_recorded(plan, plan.query, host) if plan.query.shape.is_reply(shape.counts) else shape
        for host, shape in zip(hosts, shapes, strict=True)
    ]


def _as_recorded(plan: Plan, query: Query, host: Host) -> Shape:
    """The shape of a reply under its query's event type, without the time that replies lack."""
    meta = host.members["Meta"]
    assert isinstance(meta, Host)
    meta.members["EventType"] = ([json_bytes(query.event_type)], 0, 1)
    meta.members.pop("EventDateTime", None)
    return write_shape(plan, host, is_recorded=True)


class _Grower:
    """Every node draws from a generator of its own: a changed rate changes no other field."""

    def __init__(self, plan: Plan, rates: Rates, *, dials: Dials) -> None:
        event = plan.event
        self._seed = f"{dials.seed}/shapes/{event.data_model}/{event.event_type}"
        self._rates, self._dials = rates, dials
        self._rng = random.Random()

    def grow(self, node: Node, hosts: list[Host]) -> None:
        """Give the node to its share of the hosts, and blanks to some of the others."""
        self._rng = random.Random(f"{self._seed}/{node.path}")
        carrying = self._choose(hosts, self._rates.given_parent[node.index])
        carriers = set(map(id, carrying))
        for host in hosts:
            if id(host) not in carriers and self._rng.random() < self._dials.nulls:
                host.members[node.name] = self._blank(node)
            else:
                host.members.pop(node.name, None)
        GROWERS[node.kind](self, node, carrying)

    def _choose(self, hosts: list[Host], rate: float) -> list[Host]:
        if rate >= 1:
            return hosts
        exact = rate * len(hosts)
        count = int(exact) + (self._rng.random() < exact - int(exact))
        return self._rng.sample(hosts, count)

    def _blank(self, node: Node) -> Blank:
        if node.kind in (Kind.ARRAY, Kind.SCALARS):
            return Blank("[]")
        if node.kind is Kind.OBJECT:
            return Blank(null_object(node) if self._rng.random() < 0.5 else "{}")
        is_text = node.field.json_type == "string" and self._rng.random() < EMPTY_TEXT_SHARE
        return Blank('""' if is_text else "null")

    def _hole(self, node: Node, host: Host) -> Hole:
        pool = node.pools[min(host.place, len(node.pools) - 1)]
        offset = self._rng.getrandbits(DRAW_BITS) if node.level < 0 else host.offsets[node.level]
        return (pool, offset % len(pool), len(pool))

    def _leaf(self, node: Node, hosts: list[Host]) -> None:
        for host in hosts:
            host.members[node.name] = self._hole(node, host)

    def _scalars(self, node: Node, hosts: list[Host]) -> None:
        for host in hosts:
            host.members[node.name] = [
                self._hole(node, Host(offsets=host.offsets, place=place))
                for place in range(self._length(node))
            ]

    def _object(self, node: Node, hosts: list[Host]) -> None:
        below = [Host(offsets=self._open(node, host, 0), place=host.place) for host in hosts]
        for host, inner in zip(hosts, below, strict=True):
            host.members[node.name] = inner
        for child in node.children:
            self.grow(child, below)

    def _array(self, node: Node, hosts: list[Host]) -> None:
        elements: list[Host] = []
        for host in hosts:
            row = [
                Host(offsets=self._open(node, host, place), place=place)
                for place in range(self._length(node))
            ]
            host.members[node.name] = self._with_null_element(row)
            elements += row
        for child in node.children:
            self.grow(child, elements)
        self._populate_empty(node, elements)

    def _with_null_element(self, row: list[Host]) -> list[Host | Blank]:
        mixed: list[Host | Blank] = list(row)
        if self._rng.random() < self._dials.null_elements:
            mixed.insert(self._rng.randrange(len(mixed) + 1), Blank("{}"))
        return mixed

    def _populate_empty(self, node: Node, elements: list[Host]) -> None:
        """An element that drew no field gets its likeliest one."""
        leaves = [child for child in node.children if child.kind is Kind.LEAF]
        if not leaves:
            return
        likeliest = max(leaves, key=lambda leaf: self._rates.overall[leaf.index])
        if self._rates.overall[likeliest.index] > 0:
            self._leaf(likeliest, [host for host in elements if not is_populated(host)])

    def _open(self, node: Node, host: Host, place: int) -> tuple[int, ...]:
        """The record offsets below a node; the patient of a message is the one that is drawn."""
        if not node.opens:
            return host.offsets
        is_patient = node.opens == "patient"
        return (*host.offsets, place if is_patient else self._rng.getrandbits(DRAW_BITS))

    def _length(self, node: Node) -> int:
        """Geometric with the dialled mean, shorter the deeper the array lies."""
        if node.path in ("Meta.Logs[]", "Meta.Destinations[]"):
            return 1
        mean = 1 + (self._dials.array_mean - 1) / node.path.count("[]")
        length = 1
        while length < self._dials.array_max and self._rng.random() < 1 - 1 / mean:
            length += 1
        return length


GROWERS = {
    Kind.LEAF: _Grower._leaf,
    Kind.SCALARS: _Grower._scalars,
    Kind.OBJECT: _Grower._object,
    Kind.ARRAY: _Grower._array,
}


def null_object(node: Node) -> str:
    """The text of an object whose every leaf is null, as Redox sends them."""
    members = (f'"{child.name}":{_null_member(child)}' for child in node.children)
    return "{" + ",".join(members) + "}"


def _null_member(node: Node) -> str:
    if node.kind is Kind.OBJECT:
        return null_object(node)
    return "null" if node.kind is Kind.LEAF else "[]"
