"""Says what fields unlisted values would be: looks at their JSON and gives types, never values.

One `Looks` per data model. It walks every value once; what comes out is decided at the end, when
all were seen. Where a kept object or array holds keys, each becomes a field of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from etl.conform.conformer import child_path
from models.catalog.records import JsonType, NumberKind, Temporal

MOST_KEYS = 100
LONGEST_KEY = 48
_KEY = re.compile(rf"[A-Za-z][A-Za-z0-9_-]{{0,{LONGEST_KEY - 1}}}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z")
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class InferredField:
    """One field as the values look; `paths` end in [] for arrays, as in the catalog."""

    path: str
    json_type: JsonType
    item_type: JsonType | None = None
    number_kind: NumberKind | None = None
    temporal: Temporal | None = None
    event_types: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Place:
    """What was seen at one path, without []."""

    types: set[str] = field(default_factory=set)
    items: set[str] = field(default_factory=set)
    forms: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    keys: dict[str, _Place] = field(default_factory=dict)


class Looks:
    """Gathers how unlisted values look, below the paths where they stood.

    `odd_keys` counts keys that do not look like keys; they stay unlisted.
    """

    def __init__(self) -> None:
        self._roots: dict[str, _Place] = {}
        self.odd_keys = 0

    def add(self, path: str, value: Any, event_type: str, *, times: int = 1) -> None:
        """Take one kept value that came so many times."""
        if not _KEY.fullmatch(path.rpartition(".")[2]):
            self.odd_keys += times
            return
        self._look(value, self._roots.setdefault(path, _Place()), event_type)

    def _look(self, value: Any, place: _Place, event_type: str) -> None:
        place.events.add(event_type)
        if isinstance(value, dict):
            place.types.add("object")
            self._look_inside(value, place, event_type)
        elif isinstance(value, list):
            place.types.add("array")
            for item in value:
                self._look_at_item(item, place, event_type)
        elif value not in (None, ""):
            place.types.add(_scalar(value))
            place.forms.add(_form(value))

    def _look_at_item(self, item: Any, place: _Place, event_type: str) -> None:
        if isinstance(item, dict):
            place.items.add("object")
            self._look_inside(item, place, event_type)
        elif isinstance(item, list):
            place.items.add("array")
        elif item not in (None, ""):
            place.items.add("scalar")
            place.forms.add(_form(item))

    def _look_inside(self, value: dict[str, Any], place: _Place, event_type: str) -> None:
        for key, inner in value.items():
            if not _is_populated(inner):
                continue
            if _KEY.fullmatch(key):
                self._look(inner, place.keys.setdefault(key, _Place()), event_type)
            else:
                self.odd_keys += 1

    def crowded_parents(self) -> frozenset[str]:
        """Parents with so many unlisted keys that the keys must be data."""
        counts: dict[str, int] = {}
        for path in self._roots:
            parent = path.rpartition(".")[0]
            counts[parent] = counts.get(parent, 0) + 1
        return frozenset(parent for parent, count in counts.items() if count > MOST_KEYS)

    def fields(self) -> Iterator[InferredField]:
        """The fields, parents before children; nothing below crowded parents."""
        crowded = self.crowded_parents()
        for path, place in sorted(self._roots.items()):
            if path.rpartition(".")[0] not in crowded:
                yield from _fields(path, place)


def _fields(path: str, place: _Place) -> Iterator[InferredField]:
    found = _field(path, place)
    yield found
    if found.json_type is JsonType.OBJECT or found.item_type is JsonType.OBJECT:
        for key, inner in sorted(place.keys.items()):
            yield from _fields(child_path(found.path, key), inner)


def _field(path: str, place: _Place) -> InferredField:
    events = frozenset(place.events)
    if place.types == {"object"} and len(place.keys) <= MOST_KEYS:
        return InferredField(path, JsonType.OBJECT, event_types=events)
    if place.types == {"array"} and place.items == {"object"} and len(place.keys) <= MOST_KEYS:
        return InferredField(f"{path}[]", JsonType.ARRAY, JsonType.OBJECT, event_types=events)
    if place.types == {"array"} and place.items == {"scalar"}:
        temporal = _temporal(path, place)
        return InferredField(
            f"{path}[]", JsonType.ARRAY, JsonType.STRING, temporal=temporal, event_types=events
        )
    if not place.types or place.types & {"object", "array"}:
        return InferredField(path, JsonType.ANY, event_types=events)
    return _leaf(path, place, events)


def _leaf(path: str, place: _Place, events: frozenset[str]) -> InferredField:
    """Scalars of several types are kept as text, which holds each of them exactly."""
    if place.types == {"boolean"}:
        return InferredField(path, JsonType.BOOLEAN, event_types=events)
    if place.types == {"number"}:
        kind = NumberKind.INTEGER if place.forms == {"integer"} else NumberKind.DOUBLE
        return InferredField(path, JsonType.NUMBER, number_kind=kind, event_types=events)
    temporal = _temporal(path, place)
    return InferredField(path, JsonType.STRING, temporal=temporal, event_types=events)


def _temporal(path: str, place: _Place) -> Temporal | None:
    if not place.forms or not place.forms <= {"date", "datetime"}:
        return None
    is_date = place.forms == {"date"} and not path.endswith("DateTime")
    return Temporal.DATE if is_date else Temporal.DATETIME


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def _form(value: Any) -> str:
    """date, datetime, integer, or "" for all else."""
    if isinstance(value, bool | float):
        return ""
    if isinstance(value, int):
        return "integer" if value in _INT64 else ""
    if _DATE.fullmatch(value) and _exists(date, value):
        return "date"
    is_time = _DATETIME.fullmatch(value) and _exists(datetime, value)
    return "datetime" if is_time else ""


def _exists(kind: type[date], text: str) -> bool:
    try:
        kind.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_populated(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_populated, value.values()))
    if isinstance(value, list):
        return any(map(_is_populated, value))
    return value not in (None, "")
