"""The gate: a typed decoder per shape that accepts exactly the messages which fit the tables.

Structs are generated from the shape, keys sorted, unknown keys forbidden. A number is accepted only
when its text is the canonical print of the value its column stores, so that nothing is lost by
storing it. Duplicate keys are not seen here (the columnar parser reports them). Encoding an
accepted message gives sorted keys without white space: the canonical form for comparing content.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from models.compile.shapes import Node, NodeKind, Shape
from models.tables.plan import Storage

_INT64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]

# 15 characters always survive a DOUBLE; longer or unusual numbers go the exact way round.
CANONICAL_DOUBLE = re.compile(rb"(?!-0\Z)-?(?=[\d.]{1,15}\Z)(?:0|[1-9]\d*)(?:\.\d*[1-9])?")
CANONICAL_MONEY = re.compile(rb"(?!-0\Z)-?(?:0|[1-9]\d{0,13})(?:\.\d{0,3}[1-9])?")

_SCALARS: dict[Storage, Any] = {
    Storage.TEXT: str,
    Storage.DATE: str,
    Storage.TIMESTAMP: str,
    Storage.BOOLEAN: bool,
    Storage.INTEGER: _INT64,
}
_CANONICAL = {Storage.DOUBLE: CANONICAL_DOUBLE, Storage.MONEY: CANONICAL_MONEY}


def compile_gate(shape: Shape, *, extensions: str = "") -> msgspec.json.Decoder[Any]:
    """A decoder whose `decode` raises on any message the shape's tables cannot hold as it is.

    It gives Structs whose attributes are the JSON keys; a missing key is UNSET. `extensions` is a
    key that any object may have beside; its value stays raw JSON.
    """
    return msgspec.json.Decoder(_struct(shape.root, extensions))


def attribute_name(key: str) -> str:
    """The attribute of a gate's Struct that holds a JSON key."""
    return key if key.isidentifier() and not keyword.iskeyword(key) else f"key_{key.encode().hex()}"


def _struct(node: Node, extensions: str) -> type[Struct]:
    types = {key: _type_of(child, extensions) for key, child in node.children.items()}
    if extensions:
        types = dict(sorted({extensions: Raw | UnsetType, **types}.items()))
    fields = [(attribute_name(key), kind, UNSET) for key, kind in types.items()]
    check = _number_check(node)
    return msgspec.defstruct(
        "Node",
        fields,
        rename={attribute_name(key): key for key in types},
        namespace={"__post_init__": check} if check else {},
        forbid_unknown_fields=True,
        gc=False,
    )


def _type_of(node: Node, extensions: str) -> Any:
    if node.kind is NodeKind.OBJECT:
        return _struct(node, extensions) | None | UnsetType
    if node.kind is NodeKind.OBJECTS:
        item: Any = _struct(node, extensions)
        return list[item | None] | None | UnsetType
    if node.storage in _CANONICAL:
        return Raw | UnsetType
    if node.storage is Storage.JSON:
        return None | UnsetType  # a value here goes the slow way, which makes it JSON text
    scalar: Any = _SCALARS[node.storage or Storage.TEXT]
    if node.kind is NodeKind.SCALARS:
        return list[scalar | None] | None | UnsetType
    return scalar | None | UnsetType


def _number_check(node: Node) -> Callable[[Any], None] | None:
    numbers = [
        (attribute_name(key), _CANONICAL[child.storage].fullmatch)
        for key, child in node.children.items()
        if child.kind is NodeKind.LEAF and child.storage in _CANONICAL
    ]
    if not numbers:
        return None

    def check(self: Any) -> None:
        for name, is_canonical in numbers:
            raw = getattr(self, name)
            if raw is UNSET or (text := bytes(raw)) == b"null":
                continue
            if not is_canonical(text):
                raise ValueError("a number is not in canonical form")

    return check
