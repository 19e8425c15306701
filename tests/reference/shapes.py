"""What the catalog lists, as a tree per data model, read from its CSV by the standard library.

Part of the slow reference, imports nothing of ours. A key may have two shapes (`Media` an object in
one event type, an array in another); then it has two nodes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DATA = Path(__file__).parents[2] / "models" / "catalog" / "data"


@dataclass
class Node:
    """One listed path. `kind` is object, objects, scalars or leaf; `type` is that of a scalar:
    string, boolean, integer, money, double or any."""

    path: str
    kind: str
    type: str
    event_types: frozenset[str]
    children: dict[str, list[Node]] = field(default_factory=dict)

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for alternatives in self.children.values():
            for child in alternatives:
                yield from child.walk()


@dataclass
class Listed:
    """A data model: the tree of its paths, and its event types."""

    name: str
    root: Node
    event_types: frozenset[str]


def read_listed(folder: Path = DATA) -> dict[str, Listed]:
    """All data models by name."""
    events: dict[str, set[str]] = {}
    for line in _lines(folder / "event_types.csv"):
        events.setdefault(line["data_model"], set()).add(line["event_type"])
    models = {
        name: Listed(name, Node("", "object", "", frozenset(own)), frozenset(own))
        for name, own in events.items()
    }
    nodes: dict[tuple[str, str], Node] = {}
    for line in sorted(_lines(folder / "fields.csv"), key=lambda line: line["path"].count(".")):
        model = models[line["data_model"]]
        parent, _, key = line["path"].rpartition(".")
        owner = nodes[model.name, parent] if parent else model.root
        node = _node(line, model.event_types)
        owner.children.setdefault(key.removesuffix("[]"), []).append(node)
        if node.kind in ("object", "objects"):
            nodes[model.name, line["path"]] = node
    return models


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def _node(line: dict[str, str], all_events: frozenset[str]) -> Node:
    listed = line["event_types"]
    events = all_events if listed == "*" else frozenset(listed.split("|"))
    kinds = {"object": "object", "array": "scalars"}
    kind = "objects" if line["item_type"] == "object" else kinds.get(line["json_type"], "leaf")
    scalar = line["item_type"] if kind == "scalars" else line["json_type"]
    return Node(line["path"], kind, line["number_kind"] or scalar, events)
