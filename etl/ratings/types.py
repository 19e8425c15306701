"""Whether a printed type agrees with the catalog's."""

from __future__ import annotations

from collections.abc import Sequence

from etl.ratings.records import PrintedType
from models.catalog.records import Field, JsonType

_CONTAINERS = (JsonType.OBJECT, JsonType.ARRAY)


def fits_shape(printed: PrintedType, shapes: Sequence[Field]) -> bool:
    """True if both are a scalar, both an object, or both an array of the same kind of items."""
    return any(
        shape.json_type is JsonType.ANY or _outline(printed) == _outline(shape) for shape in shapes
    )


def agrees(printed: PrintedType, shapes: Sequence[Field]) -> bool:
    """True if one of the catalog's shapes has the printed type, date and time included."""
    return any(
        shape.json_type is JsonType.ANY
        or (
            shape.json_type is printed.json_type
            and shape.item_type is printed.item_type
            and printed.temporal in (None, shape.temporal)
        )
        for shape in shapes
    )


def name_shapes(shapes: Sequence[Field]) -> str:
    """The catalog's type of a path in words."""
    return " or ".join(_words(shape) for shape in shapes)


def _words(shape: Field) -> str:
    if shape.json_type is JsonType.ARRAY:
        return f"array of {shape.item_type}"
    return f"{shape.temporal} as {shape.json_type}" if shape.temporal else str(shape.json_type)


def _outline(type_: PrintedType | Field) -> tuple[object, ...]:
    is_container = type_.json_type in _CONTAINERS
    holds_objects = type_.item_type is JsonType.OBJECT
    return (is_container and type_.json_type, holds_objects)
