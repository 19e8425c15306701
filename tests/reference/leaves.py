"""The leaves of a payload: where each scalar stands and what it is.

Part of the slow reference, imports nothing of ours.

A place is a tuple of steps (key, number of arrays entered), so that keys with dots or brackets
stay apart; `path_text` prints it in Redox notation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from tests.reference.json_text import Number, Object, Value

PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class Step(NamedTuple):
    """One key of a path and how many arrays are entered below it."""

    key: str
    arrays: int


Steps: TypeAlias = tuple[Step, ...]
Ordinals: TypeAlias = tuple[int, ...]


class Leaf(NamedTuple):
    """A scalar: path, 1-based positions of its arrays outermost first, value."""

    path: Steps
    ordinals: Ordinals
    value: str | Number | bool | None


def path_text(path: Steps) -> str:
    """A path in Redox notation: `Orders[].Results[].Value`; odd keys as `Visit["odd key"]`."""
    return _join((step.key, "[]" * step.arrays) for step in path)


def place_text(path: Steps, ordinals: Ordinals) -> str:
    """A path with the ordinals in its brackets: `Orders[2].Results[1].Value`."""
    numbers = iter(ordinals)
    return _join(
        (step.key, "".join(f"[{next(numbers)}]" for _ in range(step.arrays))) for step in path
    )


def _join(parts: Iterable[tuple[str, str]]) -> str:
    text = ""
    for key, brackets in parts:
        is_plain = PLAIN_KEY.fullmatch(key) is not None
        dotted = f".{key}" if text else key
        text += (dotted if is_plain else f"[{json.dumps(key)}]") + brackets
    return text


def is_populated(value: Value) -> bool:
    """False for null, "", {}, [] and for objects and arrays of only such."""
    if isinstance(value, Object):
        return any(is_populated(member) for member in value.members.values())
    if isinstance(value, list):
        return any(is_populated(element) for element in value)
    return value is not None and value != ""


def leaves(value: Value, path: Steps = (), ordinals: Ordinals = ()) -> Iterator[Leaf]:
    """All scalars of a payload, populated or not; of a repeated key the last value."""
    if isinstance(value, Object):
        for key, member in value.members.items():
            yield from leaves(member, (*path, Step(key, 0)), ordinals)
    elif isinstance(value, list):
        for ordinal, element in enumerate(value, start=1):
            yield from leaves(element, _entered(path), (*ordinals, ordinal))
    else:
        yield Leaf(path, ordinals, value)


def populated_leaves(value: Value) -> Iterator[Leaf]:
    """The scalars that hold something."""
    return (leaf for leaf in leaves(value) if is_populated(leaf.value))


def _entered(path: Steps) -> Steps:
    """The path one array further down; an array at the very top counts as a key of no name."""
    *before, last = path or (Step("", 0),)
    return (*before, Step(last.key, last.arrays + 1))
