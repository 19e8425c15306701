"""Judges one received message: fits as it is, fits after conforming, or is no loadable message.

The judge is a cascade: a glance at the bytes for the event type, the typed gate of its shape, and
only for what the gate refuses the exact reading. All three give the same fingerprint for the same
content.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec

from etl.conform.conformer import PutAside, conform_message
from etl.conform.exact_json import JsonObject, NumberText, Unreadable, is_populated, parse_exact
from etl.conform.extended import ExtendedGate
from etl.conform.fingerprint import (
    VolatilePaths,
    canonical_object,
    canonical_struct,
    digest,
    repeats_a_key,
)
from etl.conform.received_paths import received_paths
from etl.conform.scalars import UNSTORABLE
from etl.conform.unknown import describe, why_not_loaded
from etl.records import About
from models.catalog.records import Catalog, Field, JsonType
from models.compile.gate import compile_gate
from models.compile.shapes import ModelShapes, Shape

_TEXT_MEMBER = re.compile(rb'"\w+"\s*:\s*"([^"\\]*)"')


class Status(IntEnum):
    FITS = 0
    CONFORMED = 1
    QUARANTINED = 2


# Members of an enum are looked up slowly, and these are asked for at every message.
FITS, CONFORMED, QUARANTINED = Status


@dataclass(slots=True)
class Judgement:
    """What became of one message. `shape` names (data model, variant); `reason` why not, and
    `about` what such an item says of itself."""

    status: Status
    shape: tuple[str, int] = ("", 0)
    fingerprint: bytes = b""
    reason: str = ""
    about: About | None = None


@dataclass(frozen=True, slots=True)
class Conformed:
    """A message made to fit: the line for the columnar parser, and what was put aside.

    `paths` counts its populated paths where its columns would not tell all of them.
    """

    shape: tuple[str, int]
    line: bytes
    aside: PutAside
    fingerprint: bytes
    paths: Counter[str] | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these a message is quarantined."""

    max_bytes: int
    max_depth: int


@dataclass(frozen=True, slots=True)
class _Gate:
    """The decoder of an event type's shape, and the names a message must say it has."""

    decode: Callable[[bytes], Any]
    shape: tuple[str, int]
    data_model: str
    event_type: str


class Judge:
    """Compiles gates as data models are met; one per process."""

    def __init__(self, catalog: Catalog, limits: Limits) -> None:
        self._catalog = catalog
        self._limits = limits
        self._shapes: dict[str, ModelShapes] = {}
        self._gates: dict[tuple[bytes, bytes], _Gate] = {}
        self._decoders: dict[tuple[str, int], Callable[[bytes], Any]] = {}
        self._extended: dict[tuple[str, int], ExtendedGate] = {}
        volatile = {f.path for fields in catalog.fields.values() for f in fields if f.is_volatile}
        self._volatile = VolatilePaths(sorted(volatile))

    def shapes(self, data_model: str) -> ModelShapes:
        """The shapes of a known data model."""
        if data_model not in self._shapes:
            self._shapes[data_model] = ModelShapes(self._catalog, data_model)
        return self._shapes[data_model]

    def judge(self, raw: bytes) -> Judgement:
        """Judge one message without taking it apart further than needed."""
        if len(raw) > self._limits.max_bytes:
            return Judgement(QUARANTINED, reason="too_large")
        fitting = self._try_gate(raw)
        if fitting is not None:
            return fitting
        try:
            conformed = self.conform(raw)
        except Unreadable as unreadable:
            return Judgement(QUARANTINED, reason=unreadable.reason, about=unreadable.about)
        return Judgement(CONFORMED, conformed.shape, conformed.fingerprint)

    def _try_gate(self, raw: bytes) -> Judgement | None:
        """The judgement of a message that fits as it is, else None."""
        model, event = _glance(raw, b'"DataModel"'), _glance(raw, b'"EventType"')
        if model is None or event is None:
            return None
        gate = self._gates.get((model, event)) or self._open_gate(model, event)
        if gate is None:
            return None
        try:
            message = gate.decode(raw)
            meta = message.Meta
            if meta.DataModel != gate.data_model or meta.EventType != gate.event_type:
                return None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, AttributeError):
            return None
        gone = self._volatile.blank_struct(message)
        canonical = canonical_struct(message)
        if repeats_a_key(raw, canonical, gone):
            return None
        return Judgement(FITS, gate.shape, digest(canonical))

    def _open_gate(self, model: bytes, event: bytes) -> _Gate | None:
        name, event_type = model.decode("utf-8", "replace"), event.decode("utf-8", "replace")
        if name not in self._catalog.data_models:
            return None
        shape = self.shapes(name).for_event(event_type)
        key = (name, shape.variant)
        if key not in self._decoders:
            self._decoders[key] = compile_gate(shape).decode
        gate = _Gate(self._decoders[key], key, name, event_type)
        listed = self._catalog.data_models[name].event_types
        if any(event_type == known.event_type for known in listed):
            self._gates[model, event] = gate
        return gate

    def conform(self, raw: bytes) -> Conformed:
        """Take a message apart exactly; raises Unreadable with the quarantine reason."""
        return self._try_extended(raw) or self._conform_exactly(raw)

    def _try_extended(self, raw: bytes) -> Conformed | None:
        """The message taken apart where it would fit but for its Extensions, else None."""
        if b'"Extensions"' not in raw:
            return None
        model, event = _glance(raw, b'"DataModel"'), _glance(raw, b'"EventType"')
        gate = self._open_gate(model, event) if model is not None and event is not None else None
        if gate is None:
            return None
        if gate.shape not in self._extended:
            shape = self.shapes(gate.data_model).variant(gate.shape[1])
            self._extended[gate.shape] = ExtendedGate(
                shape, volatile=self._volatile, max_depth=self._limits.max_depth
            )
        found = self._extended[gate.shape].take(raw)
        if found is None or (found.data_model, found.event_type) != (
            gate.data_model,
            gate.event_type,
        ):
            return None
        return Conformed(gate.shape, found.line, found.aside, found.fingerprint, None)

    def _conform_exactly(self, raw: bytes) -> Conformed:
        message = parse_exact(raw, max_depth=self._limits.max_depth)
        if not isinstance(message, JsonObject):
            raise Unreadable("not_object")
        shape = self._shape_of(message)
        conforming, aside = conform_message(message, shape.root)
        hides_values = any(value.reason in UNSTORABLE for value in aside.unplaced)
        paths = received_paths(message, shape.root) if hides_values else None
        self._volatile.blank_object(message)
        fingerprint = digest(canonical_object(message))
        line = msgspec.json.encode(_encodable(conforming))
        return Conformed((shape.data_model, shape.variant), line, aside, fingerprint, paths)

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


def _glance(raw: bytes, key: bytes) -> bytes | None:
    """The text that the first member of this name has, None without one; the gate checks it."""
    member = _TEXT_MEMBER.match(raw, raw.find(key))
    return member[1] if member else None


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
    """Numbers as raw text, so that the columnar parser reads what was decided."""
    if isinstance(value, NumberText):
        return msgspec.Raw(value.encode())
    if isinstance(value, dict):
        return {key: _encodable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return value
