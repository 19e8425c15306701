"""The paths one event type may print, as a tree of names: the vocabulary of its pages.

And whether a printed type agrees with the catalog's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from etl.ratings.records import PrintedType
from models.catalog.records import Catalog, Field, JsonType

_CONTAINERS = (JsonType.OBJECT, JsonType.ARRAY)


@dataclass(frozen=True)
class EventTree:
    """The fields of one event type by path; a path may have more than one shape."""

    data_model: str
    event_type: str
    shapes: Mapping[str, tuple[Field, ...]]

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(field.name for shapes in self.shapes.values() for field in shapes)

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """The paths right below each object or array, "" being the root."""
        below: dict[str, list[str]] = defaultdict(list)
        for path in self.shapes:
            below[path.rpartition(".")[0]].append(path)
        return {parent: tuple(paths) for parent, paths in below.items()}

    def child(self, parent: str, name: str, *, is_array: bool) -> str | None:
        """The path of `name` below `parent`, None when the event type lists none of that shape."""
        path = join_path(parent, name, is_array=is_array)
        return path if path in self.shapes else None

    def holds_fields(self, path: str) -> bool:
        """True if `path` is an object or an array of objects."""
        types = {kind for field in self.shapes[path] for kind in (field.json_type, field.item_type)}
        return JsonType.OBJECT in types


def join_path(parent: str, name: str, *, is_array: bool) -> str:
    """The path of `name` below `parent` in Redox notation."""
    own = name.removesuffix("[]") + ("[]" if is_array else "")
    return f"{parent}.{own}" if parent else own


def plant_tree(catalog: Catalog, data_model: str, event_type: str) -> EventTree:
    """The tree of one event type of the catalog."""
    shapes: dict[str, tuple[Field, ...]] = {}
    for field in catalog.fields[data_model]:
        if event_type in field.event_types:
            shapes[field.path] = (*shapes.get(field.path, ()), field)
    return EventTree(data_model, event_type, shapes)


def all_names(catalog: Catalog) -> frozenset[str]:
    """Every field name of the catalog: the vocabulary while the event type is not known yet."""
    return frozenset(field.name for fields in catalog.fields.values() for field in fields)


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
