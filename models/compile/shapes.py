"""The JSON shape of a data model's messages, as a tree compiled from the catalog.

Where the catalog lists two shapes of one path (an object in one event type, an array in another),
each combination is a `Shape` of its own; a message is read by the shape of its event type, or by
the shape its own JSON has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from models.catalog.records import Catalog, Field, JsonType, Temporal
from models.tables.naming import last_key
from models.tables.plan import Storage, storage


class NodeKind(StrEnum):
    OBJECT = "object"
    OBJECTS = "array of objects"
    SCALARS = "array of scalars"
    LEAF = "leaf"


@dataclass(frozen=True, slots=True)
class Node:
    """One path of a shape. `children` are by JSON key, sorted; `field` is None at the root."""

    path: str
    key: str
    kind: NodeKind
    field: Field | None
    storage: Storage | None
    children: Mapping[str, Node]

    @property
    def temporal(self) -> Temporal | None:
        return self.field.temporal if self.field else None

    @property
    def value_set(self) -> str:
        return self.field.value_set if self.field else ""

    @property
    def is_value_set_certain(self) -> bool:
        return self.field is None or self.field.is_value_set_certain

    def walk(self) -> Iterator[Node]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children.values():
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Shape:
    """One reading of a data model; `variant` numbers the readings of the model from 0."""

    data_model: str
    variant: int
    root: Node


class ModelShapes:
    """All shapes of one data model."""

    def __init__(self, catalog: Catalog, data_model: str) -> None:
        self.data_model = data_model
        self._fields = catalog.fields[data_model]
        self._shapes: dict[int, Shape] = {}

    @cached_property
    def conflicts(self) -> Mapping[str, tuple[Field, ...]]:
        """Alternatives by path without a trailing `[]`; only paths with more than one."""
        by_base: dict[str, list[Field]] = {}
        for field in self._fields:
            by_base.setdefault(field.path.removesuffix("[]"), []).append(field)
        return {base: tuple(own) for base, own in by_base.items() if len(own) > 1}

    def for_event(self, event_type: str) -> Shape:
        """The shape that the event type lists; the first of each alternative where it lists none."""
        return self.choose(
            {
                base: next((f for f in own if event_type in f.event_types), own[0])
                for base, own in self.conflicts.items()
            }
        )

    def choose(self, chosen: Mapping[str, Field]) -> Shape:
        """The shape with these alternatives, one per conflicting path."""
        variant = 0
        for base, own in self.conflicts.items():
            variant = variant * len(own) + own.index(chosen[base])
        return self.variant(variant)

    def variant(self, number: int) -> Shape:
        """The shape of a number, the same in every process."""
        if number not in self._shapes:
            self._shapes[number] = Shape(
                self.data_model, number, self._build(self._fields_of(number))
            )
        return self._shapes[number]

    def _fields_of(self, number: int) -> frozenset[int]:
        chosen = []
        for own in reversed(list(self.conflicts.values())):
            number, index = divmod(number, len(own))
            chosen.append(id(own[index]))
        return frozenset(chosen)

    def _build(self, chosen: frozenset[int]) -> Node:
        rejected = {id(f) for own in self.conflicts.values() for f in own} - chosen
        by_parent: dict[str, list[Field]] = {}
        for field in self._fields:
            if id(field) not in rejected:
                by_parent.setdefault(field.parent, []).append(field)
        return Node("", "", NodeKind.OBJECT, None, None, _children("", by_parent))


def _children(parent: str, by_parent: Mapping[str, list[Field]]) -> dict[str, Node]:
    nodes = (_node(field, by_parent) for field in by_parent.get(parent, ()))
    return {node.key: node for node in sorted(nodes, key=lambda node: node.key)}


def _node(field: Field, by_parent: Mapping[str, list[Field]]) -> Node:
    kind = _kind(field)
    has_children = kind in (NodeKind.OBJECT, NodeKind.OBJECTS)
    children = _children(field.path, by_parent) if has_children else {}
    stored = None if has_children else storage(field)
    return Node(field.path, last_key(field.path), kind, field, stored, children)


def _kind(field: Field) -> NodeKind:
    if field.json_type is JsonType.OBJECT:
        return NodeKind.OBJECT
    if field.json_type is not JsonType.ARRAY:
        return NodeKind.LEAF
    return NodeKind.OBJECTS if field.item_type is JsonType.OBJECT else NodeKind.SCALARS
