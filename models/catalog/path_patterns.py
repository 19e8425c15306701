"""Path patterns of the catalog: `*.EndDate` is any path with that ending, in whatever object.

Several patterns that begin with `*.` speak of one object; others are full paths.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from models.catalog.records import Field, JsonType

ANYWHERE: Final = "*."
Paths = tuple[str, ...]


class ValuePaths:
    """The paths of the values among `fields`, to find patterns in."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._paths = {field.path for field in fields if _is_value(field)}
        self._by_key: dict[str, list[str]] = {}
        for path in self._paths:
            self._by_key.setdefault(_last_key(path), []).append(path)

    def find(self, first: str, *others: str) -> list[Paths]:
        """Every reading of the patterns: the full paths, in their order.

        The first pattern is looked for; the others must be there too. "" stays "".
        """
        ending = first.removeprefix(ANYWHERE)
        holders = [""] if ending == first else sorted(self._holders(ending))
        readings = (
            tuple(_place(holder, pattern) for pattern in (first, *others)) for holder in holders
        )
        return [
            paths for paths in readings if all(not path or path in self._paths for path in paths)
        ]

    def _holders(self, ending: str) -> set[str]:
        """What is before the ending, with its dot, of every path that has it."""
        return {
            path.removesuffix(ending)
            for path in self._by_key.get(_last_key(ending), ())
            if path == ending or path.endswith(f".{ending}")
        }


def _last_key(path: str) -> str:
    return path.rpartition(".")[2]


def _place(holder: str, pattern: str) -> str:
    if not pattern.startswith(ANYWHERE):
        return pattern
    return holder + pattern.removeprefix(ANYWHERE)


def _is_value(field: Field) -> bool:
    return field.json_type not in (JsonType.OBJECT, JsonType.ARRAY)
