"""Messages that would fit but for their Extensions, which any object may carry.

The typed gate reads them with the Extensions as raw JSON; only these are read exactly. What is odd in
any other way is left to the conformer, which gives the same for the same content, but slowly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from etl.conform.conformer import EXTENSIONS, Ordinals, PutAside, put_extensions_aside
from etl.conform.exact_json import Unreadable, parse_exact
from etl.conform.fingerprint import (
    VolatilePaths,
    canonical_struct,
    canonical_value,
    digest,
)
from models.compile.gate import attribute_name, compile_gate
from models.compile.shapes import Node, NodeKind, Shape


@dataclass(frozen=True, slots=True)
class Extended:
    """A message without its Extensions, as a line for the columnar parser, and they."""

    line: bytes
    aside: PutAside
    fingerprint: bytes
    data_model: str
    event_type: str


class ExtendedGate:
    """Takes the Extensions out of messages of one shape."""

    def __init__(self, shape: Shape, *, volatile: VolatilePaths, max_depth: int) -> None:
        self._decode = compile_gate(shape, extensions=EXTENSIONS).decode
        self._root = _Place.of(shape.root)
        self._volatile = volatile
        self._max_depth = max_depth

    def take(self, raw: bytes) -> Extended | None:
        """The message taken apart; None where it has more that does not fit."""
        try:
            message = self._decode(raw)
            aside = self._put_aside(message)
            names = (message.Meta.DataModel, message.Meta.EventType)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, AttributeError, Unreadable):
            return None
        if aside.unplaced or not all(isinstance(name, str) for name in names):
            return None
        gone = self._volatile.blank_struct(message)
        canonical = canonical_struct(message)
        if raw.count(b'"') != canonical.count(b'"') + gone.quotes:  # a key is repeated, perhaps
            return None
        line = self._line(raw)
        return Extended(line, aside, digest(canonical), *names)

    def _put_aside(self, message: Struct) -> PutAside:
        """Put Extensions aside and spell them canonically where they stand."""
        aside = PutAside()
        for found in self._root.find(message, ()):
            value = parse_exact(bytes(found.raw), max_depth=self._max_depth - found.level)
            put_extensions_aside(value, found.owner, found.ordinals, aside)
            found.holder.Extensions = Raw(canonical_value(value))
        return aside

    def _line(self, raw: bytes) -> bytes:
        message = self._decode(raw)
        for found in self._root.find(message, ()):
            found.holder.Extensions = UNSET
        return canonical_struct(message)


@dataclass(frozen=True, slots=True)
class _Found:
    holder: Any
    raw: Raw
    owner: str
    ordinals: Ordinals
    level: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where Extensions may stand: an object of the shape, with those below it."""

    path: str
    level: int
    objects: tuple[tuple[str, _Place], ...]
    arrays: tuple[tuple[str, _Place], ...]

    @classmethod
    def of(cls, node: Node, level: int = 1) -> _Place:
        def below(kind: NodeKind, deeper: int) -> tuple[tuple[str, _Place], ...]:
            return tuple(
                (attribute_name(key), cls.of(child, level + deeper))
                for key, child in node.children.items()
                if child.kind is kind
            )

        return cls(node.path, level, below(NodeKind.OBJECT, 1), below(NodeKind.OBJECTS, 2))

    def find(self, holder: Any, ordinals: Ordinals) -> Iterator[_Found]:
        """Every Extensions in and below an object."""
        raw = holder.Extensions
        if raw is not UNSET:
            yield _Found(holder, raw, self.path, ordinals, self.level)
        for name, place in self.objects:
            inner = getattr(holder, name)
            if inner:
                yield from place.find(inner, ordinals)
        for name, place in self.arrays:
            for position, item in enumerate(getattr(holder, name) or (), 1):
                if item is not None:
                    yield from place.find(item, (*ordinals, position))
