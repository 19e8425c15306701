"""Path patterns of the catalog: `*.EndDate` is any path with that ending, in whatever object.

Several patterns that begin with `*.` speak of one object; others are full paths.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from models.catalog.records import Field, JsonType

ANYWHERE: Final = "*."
Paths = tuple[str, ...]


def find_paths(fields: Iterable[Field], first: str, *others: str) -> list[Paths]:
    """Every reading of the patterns among the values of `fields`: the full paths, in their order.

    The first pattern is looked for; the others must be there too. "" stays "".
    """
    values = {field.path for field in fields if _is_value(field)}
    ending = first.removeprefix(ANYWHERE)
    holders = [""] if ending == first else sorted(_holders(values, ending))
    readings = (
        tuple(_place(holder, pattern) for pattern in (first, *others)) for holder in holders
    )
    return [paths for paths in readings if all(path in values or not path for path in paths)]


def _holders(values: Iterable[str], ending: str) -> set[str]:
    """What stands before the ending, with its dot, of every path that has it."""
    return {
        path.removesuffix(ending)
        for path in values
        if path == ending or path.endswith(f".{ending}")
    }


def _place(holder: str, pattern: str) -> str:
    if not pattern.startswith(ANYWHERE):
        return pattern
    return holder + pattern.removeprefix(ANYWHERE)


def _is_value(field: Field) -> bool:
    return field.json_type not in (JsonType.OBJECT, JsonType.ARRAY)
