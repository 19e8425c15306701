"""Are two payloads equal, leaf by leaf? Slow reference, imports nothing of ours.

Strict: JSON type, exact text, exact decimal value, same position in every array. What is not
populated is ignored. Differences name paths, never values.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from tests.reference.json_text import Number, Value
from tests.reference.leaves import Ordinals, Steps, place_text, populated_leaves

Typed: TypeAlias = tuple[str, str | Decimal | bool]


def typed(value: Value) -> Typed:
    """A populated scalar with its JSON type, comparable with =="""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, Number):
        return ("number", value.value)
    assert isinstance(value, str), "only populated scalars have a type"
    return ("string", value)


def content(payload: Value) -> dict[tuple[Steps, Ordinals], Typed]:
    """All that a payload says: its populated leaves by place."""
    return {(leaf.path, leaf.ordinals): typed(leaf.value) for leaf in populated_leaves(payload)}


def differences(expected: Value, actual: Value) -> list[str]:
    """One line per differing place, [] when the payloads are equal."""
    left, right = content(expected), content(actual)
    places = sorted(left.keys() | right.keys())
    lines = (_difference(left.get(place), right.get(place)) for place in places)
    return [
        f"{place_text(*place)}: {line}" for place, line in zip(places, lines, strict=True) if line
    ]


def _difference(expected: Typed | None, actual: Typed | None) -> str:
    if expected == actual:
        return ""
    if actual is None:
        return "missing"
    if expected is None:
        return "not in the expected payload"
    if expected[0] != actual[0]:
        return f"{expected[0]} became {actual[0]}"
    return f"another {expected[0]}"
