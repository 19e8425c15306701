"""Takes a message apart that does not fit its tables: what fits goes on, the rest is put aside.

Gives a conforming message for the same columnar way that all others take, and beside it what was
put aside: unplaced values, received forms, extensions, findings. Together they hold every populated
leaf. Paths are the catalog's; ordinals are 1-based. Where a received container is not what its path
promises, its received form is at the path with one ordinal less.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from etl.conform.exact_json import (
    JsonObject,
    NumberText,
    holds_values,
    is_populated,
    to_json,
)
from etl.conform.scalars import Misfit, fit_scalar
from etl.records import Extension, Finding, ReceivedForm, UnplacedValue
from models.compile.shapes import Node, NodeKind

EXTENSIONS = "Extensions"
UNLISTED_KEY = "unlisted_key"
DUPLICATE_KEY = "duplicate_key"
OBJECT_FOR_ARRAY = "object_for_array"
ARRAY_FOR_OBJECT = "array_for_object"
TOO_LONG = "array_too_long_for_object"
MISFIT = "type_misfit"
EXTENSION = "extension"
EXTENSION_SHAPE = "extension_shape"

_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
Ordinals = tuple[int, ...]


@dataclass(slots=True)
class PutAside:
    """What one message holds beyond its typed tables, and what was found in it."""

    unplaced: list[UnplacedValue] = field(default_factory=list)
    forms: list[ReceivedForm] = field(default_factory=list)
    extensions: list[Extension] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def set_aside(self, path: str, ordinals: Ordinals, reason: str, value: Any) -> None:
        """Keep a populated value that has no column."""
        if is_populated(value):
            self.unplaced.append(UnplacedValue(path, ordinals, reason, to_json(value)))
            self.findings.append(Finding(reason, path, ordinals))
        self.keep_repeated(path, ordinals, value)

    def keep_repeated(self, path: str, ordinals: Ordinals, value: Any) -> None:
        """Keep the earlier values of repeated keys inside a value that is kept as JSON text."""
        if isinstance(value, JsonObject):
            for key, earlier in value.repeated:
                self.set_aside(child_path(path, key), ordinals, DUPLICATE_KEY, earlier)
        inner = value.values() if isinstance(value, dict) else value
        if isinstance(value, dict | list):
            for item in inner:
                self.keep_repeated(path, ordinals, item)

    def keep_form(self, path: str, ordinals: Ordinals, rule: str, value: Any) -> None:
        """Keep the received text of a value that is stored in another form."""
        self.forms.append(ReceivedForm(path, ordinals, rule, to_json(value)))
        self.findings.append(Finding(rule, path, ordinals))


def child_path(parent: str, key: str) -> str:
    """The path of a key below a parent; a key that is no plain word is quoted."""
    if not _PLAIN_KEY.fullmatch(key):
        return f"{parent}[{json.dumps(key)}]"
    return f"{parent}.{key}" if parent else key


def conform_message(message: JsonObject, root: Node) -> tuple[dict[str, Any], PutAside]:
    """The part of the message that fits the shape, and what had to be put aside."""
    aside = PutAside()
    return _object(message, root, "", (), aside), aside


def _object(
    value: JsonObject, node: Node, path: str, ordinals: Ordinals, aside: PutAside
) -> dict[str, Any]:
    for key, earlier in value.repeated:
        aside.set_aside(child_path(path, key), ordinals, DUPLICATE_KEY, earlier)
    conforming = {}
    for key, inner in value.items():
        child = node.children.get(key)
        if child is not None:
            fitted = _fit(inner, child, ordinals, aside)
            if fitted is not None:
                conforming[key] = fitted
        elif key == EXTENSIONS:
            put_extensions_aside(inner, path, ordinals, aside)
        else:
            aside.set_aside(child_path(path, key), ordinals, UNLISTED_KEY, inner)
    return conforming


def _fit(value: Any, node: Node, ordinals: Ordinals, aside: PutAside) -> Any:
    """The value as the node takes it, None where nothing is left to place."""
    if not holds_values(value) and not isinstance(value, list):
        return None
    if node.kind is NodeKind.LEAF:
        return _scalar(value, node, ordinals, aside)
    if node.kind is NodeKind.OBJECT:
        return _fit_object(value, node, ordinals, aside)
    return _fit_array(value, node, ordinals, aside)


def _scalar(value: Any, node: Node, ordinals: Ordinals, aside: PutAside) -> Any:
    if not is_populated(value):
        return None
    assert node.storage is not None
    try:
        fitted, rule = fit_scalar(value, node.storage)
    except Misfit as misfit:
        aside.set_aside(node.path, ordinals, misfit.reason, value)
        return None
    if rule:
        aside.keep_form(node.path, ordinals, rule, value)
    return fitted


def _fit_object(value: Any, node: Node, ordinals: Ordinals, aside: PutAside) -> Any:
    if isinstance(value, dict):
        return _object(_as_object(value), node, node.path, ordinals, aside)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        if not holds_values(value):
            return None
        if is_populated(value):
            aside.keep_form(node.path, ordinals, ARRAY_FOR_OBJECT, value)
        return _object(_as_object(value[0]), node, node.path, ordinals, aside)
    is_long = isinstance(value, list) and all(isinstance(item, dict | None) for item in value)
    aside.set_aside(node.path, ordinals, TOO_LONG if is_long else MISFIT, value)
    return None


def _fit_array(value: Any, node: Node, ordinals: Ordinals, aside: PutAside) -> Any:
    if isinstance(value, list):
        return [
            _element(item, node, (*ordinals, position), aside)
            for position, item in enumerate(value, 1)
        ]
    if isinstance(value, dict) is (node.kind is NodeKind.OBJECTS):
        element = _element(value, node, (*ordinals, 1), aside)
        aside.keep_form(node.path, ordinals, OBJECT_FOR_ARRAY, value)
        return [element]
    aside.set_aside(node.path, ordinals, MISFIT, value)
    return None


def _element(item: Any, node: Node, ordinals: Ordinals, aside: PutAside) -> Any:
    if not holds_values(item):
        return None
    if node.kind is NodeKind.SCALARS:
        return _scalar(item, node, ordinals, aside)
    if isinstance(item, dict):
        return _object(_as_object(item), node, node.path, ordinals, aside)
    aside.set_aside(node.path, ordinals, MISFIT, item)
    return None


def _as_object(value: dict[str, Any]) -> JsonObject:
    assert isinstance(value, JsonObject)
    return value


def put_extensions_aside(value: Any, owner: str, ordinals: Ordinals, aside: PutAside) -> None:
    """Put the Extensions of an object aside, one by one; those of another shape are unplaced."""
    if not holds_values(value):
        return
    path = child_path(owner, EXTENSIONS)
    if not isinstance(value, JsonObject):
        aside.set_aside(path, ordinals, EXTENSION_SHAPE, value)
        return
    for key, earlier in value.repeated:
        aside.set_aside(child_path(path, key), ordinals, DUPLICATE_KEY, earlier)
    for slug, typed in value.items():
        if isinstance(typed, JsonObject) and _is_typed_value(slug, typed):
            _typed_values(slug, typed, owner, ordinals, aside)
        else:
            aside.set_aside(child_path(path, slug), ordinals, EXTENSION_SHAPE, typed)


def _is_typed_value(slug: str, typed: JsonObject) -> bool:
    """True if the columns of `core.extension` can hold its names; "" would mean no value there."""
    url = typed.get("url")
    is_url = url is None or (isinstance(url, str) and not isinstance(url, NumberText))
    names = (slug, url or "", *typed) if is_url else ()
    return bool(names) and not typed.repeated and "" not in typed and all(map(_is_encodable, names))


def _typed_values(
    slug: str, typed: JsonObject, owner: str, ordinals: Ordinals, aside: PutAside
) -> None:
    url = typed.get("url") or ""
    is_empty = True
    for value_type, inner in typed.items():
        if value_type == "url":
            continue
        aside.keep_repeated(child_path(owner, EXTENSIONS), ordinals, inner)
        if is_populated(inner):
            is_empty = False
            row = Extension(owner, ordinals, slug, value_type, _json_type(inner), url, _text(inner))
            aside.extensions.append(row)
            aside.findings.append(Finding(EXTENSION, owner, ordinals))
    if url and is_empty:
        aside.extensions.append(Extension(owner, ordinals, slug, "", "", url, ""))


def _json_type(value: Any) -> str:
    if isinstance(value, NumberText):
        return "number"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string" if _is_encodable(value) else "json"
    return "json"


def _text(value: Any) -> str:
    is_plain = isinstance(value, str) and _is_encodable(value)
    return str(value) if is_plain else to_json(value)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
