"""Which paths a message fills, counted on the message as received.

Columns tell this for every message that fits. A value that has no place in its column (a word where
a number is listed) still says that the sender fills the field, so messages with such values are
counted here, one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from etl.conform.exact_json import is_populated
from models.compile.shapes import Node, NodeKind


def received_paths(message: dict[str, Any], root: Node) -> Counter[str]:
    """How often each listed path is populated, arrays by their populated elements."""
    return Counter(_members(message, root))


def _members(value: dict[str, Any], node: Node) -> Iterator[str]:
    for key, member in value.items():
        child = node.children.get(key)
        if child is not None and is_populated(member):
            yield from _occurrences(member, child)


def _occurrences(value: Any, node: Node) -> Iterator[str]:
    if node.kind in (NodeKind.OBJECTS, NodeKind.SCALARS):
        yield from _elements(value, node)
        return
    if isinstance(value, list):
        value = value[0] if len(value) == 1 and isinstance(value[0], dict) else None
    yield from _one(value, node)


def _elements(value: Any, node: Node) -> Iterator[str]:
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list):
        for element in filter(is_populated, value):
            yield from _one(element, node)


def _one(value: Any, node: Node) -> Iterator[str]:
    """The path itself where the value fills it, and what it fills below."""
    if isinstance(value, dict):
        below = list(_members(value, node))
        if below:
            yield node.path
            yield from below
    elif is_populated(value) and not isinstance(value, list):
        yield node.path
