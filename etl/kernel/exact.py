"""The exact way: takes apart, one by one, the messages that do not fit their columns as they are.

Each comes back as a line that fits, which the reader lays out like all others, and what was kept
beside it; or with the reason why it is not a loadable message. Pure Python, so it runs where no
insert waits for it.

Which paths such a message fills is counted here, on the message as received: a value that has no
place in its column (a word where a number is listed) still says that the sender fills the field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from etl.conform.conformer import PutAside, conform_message
from etl.conform.exact_json import JsonObject, NumberText, Unreadable, is_populated, parse_exact
from etl.conform.scalars import UNSTORABLE
from etl.conform.unknown import describe, why_not_loaded
from etl.kernel.content_hash import ContentHash
from etl.records import About
from models.catalog.records import Catalog, Field, JsonType
from models.compile.shapes import ModelShapes, Node, NodeKind, Shape

NOT_LOADABLE = "not_loadable"


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these a message is quarantined."""

    max_bytes: int
    max_depth: int


@dataclass(frozen=True, slots=True)
class Conformed:
    """A message made to fit: the line for the reader, its content hash, and what was kept beside it.

    `shape` names (data model, variant); `paths` counts its populated paths where its columns would
    not show all of them.
    """

    shape: tuple[str, int]
    line: bytes
    aside: PutAside
    content_hash: bytes
    paths: Counter[str] | None


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that is not a loadable message: the reason, and what it says of itself."""

    reason: str
    about: About | None = None


class ExactWay:
    """Conforms messages of one catalog; shapes are compiled as data models are met."""

    def __init__(self, catalog: Catalog, limits: Limits, content_hash: ContentHash) -> None:
        self._catalog = catalog
        self._limits = limits
        self._content_hash = content_hash
        self._shapes: dict[str, ModelShapes] = {}

    def shapes(self, data_model: str) -> ModelShapes:
        """The shapes of a known data model."""
        if data_model not in self._shapes:
            self._shapes[data_model] = ModelShapes(self._catalog, data_model)
        return self._shapes[data_model]

    def conform_all(self, messages: Sequence[bytes]) -> list[Conformed | Refused]:
        """Each message conformed, or why it is quarantined.

        A fault of ours quarantines the one message that shows it, not a load.
        """
        return [self._try(raw) for raw in messages]

    def _try(self, raw: bytes) -> Conformed | Refused:
        try:
            return self.conform(raw)
        except Unreadable as unreadable:
            return Refused(unreadable.reason, unreadable.about)
        except MemoryError:
            raise
        except Exception:
            return Refused(NOT_LOADABLE)

    def conform(self, raw: bytes) -> Conformed:
        """Take a message apart; raises Unreadable with the quarantine reason."""
        if len(raw) > self._limits.max_bytes:
            raise Unreadable("too_large")
        message = parse_exact(raw, max_depth=self._limits.max_depth)
        if not isinstance(message, JsonObject):
            raise Unreadable("not_object")
        shape = self._shape_of(message)
        conforming, aside = conform_message(message, shape.root)
        hides_values = any(value.reason in UNSTORABLE for value in aside.unplaced)
        paths = _received_paths(message, shape.root) if hides_values else None
        content_hash = self._content_hash.of(message)
        line = msgspec.json.encode(_encodable(conforming))
        return Conformed((shape.data_model, shape.variant), line, aside, content_hash, paths)

    def _shape_of(self, message: JsonObject) -> Shape:
        if reason := why_not_loaded(message, self._catalog.data_models):
            raise Unreadable(reason, describe(message))
        meta = message["Meta"]
        model = str(meta["DataModel"])
        event_type = meta.get("EventType")
        shapes = self.shapes(model)
        listed = shapes.for_event(event_type if isinstance(event_type, str) else "")
        if not shapes.conflicts:
            return listed
        chosen = {
            base: _own_alternative(message, base, fields, str(event_type))
            for base, fields in shapes.conflicts.items()
        }
        return shapes.choose(chosen)


def _own_alternative(
    message: JsonObject, base: str, fields: tuple[Field, ...], event_type: str
) -> Field:
    """The alternative that the message's own JSON has; the event's where it has none of them."""
    listed = next((field for field in fields if event_type in field.event_types), fields[0])
    found = next(_values_at(message, base.split(".")), None)
    if found is None:
        return listed
    return next((field for field in fields if _has_type(found, field.json_type)), listed)


def _values_at(value: Any, keys: list[str]) -> Any:
    if not keys:
        if is_populated(value):
            yield value
        return
    if isinstance(value, list):
        for item in value:
            yield from _values_at(item, keys)
    elif isinstance(value, dict):
        yield from _values_at(value.get(keys[0].removesuffix("[]")), keys[1:])


def _has_type(value: Any, json_type: JsonType) -> bool:
    if isinstance(value, dict):
        return json_type is JsonType.OBJECT
    if isinstance(value, list):
        return json_type is JsonType.ARRAY
    return json_type not in (JsonType.OBJECT, JsonType.ARRAY)


def _encodable(value: Any) -> Any:
    """Numbers as raw text, so that the reader gets what was decided."""
    if isinstance(value, NumberText):
        return msgspec.Raw(value.encode())
    if isinstance(value, dict):
        return {key: _encodable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return value


def _received_paths(message: dict[str, Any], root: Node) -> Counter[str]:
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
