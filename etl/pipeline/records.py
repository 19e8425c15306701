"""What the pipeline takes from its doors and gives back to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from etl.landing.store import LandedObject

Progress = Callable[[str, int, int], None]


def no_progress(step: str, messages: int, size_bytes: int) -> None:
    """Take a report of progress and do nothing."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of items of one landed object that is to be loaded; `stop_item` is exclusive."""

    landed: LandedObject
    unwrap: str
    first_item: int
    stop_item: int

    @property
    def object_id(self) -> str:
        return self.landed.object_id


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What one or more loads did. received + replayed = loaded + duplicate + quarantined + purged.

    `purged` items were refused, because their content was purged before. `exact` of the loaded messages
    did not fit the compiled reader as they are: they took the exact way, which is pure Python.
    """

    loads: int = 0
    bytes: int = 0
    received: int = 0
    replayed: int = 0
    loaded: int = 0
    duplicate: int = 0
    quarantined: int = 0
    purged: int = 0
    exact: int = 0
    objects: int = 0
    skipped_objects: int = 0
    load_ids: tuple[int, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: LoadSummary) -> LoadSummary:
        sums = {
            name: getattr(self, name) + getattr(other, name)
            for name in self.__dataclass_fields__
            if name not in ("rows", "models")
        }
        return replace(
            self,
            **sums,
            rows=_added(self.rows, other.rows),
            models=_added(self.models, other.models),
        )

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


def _added(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    return {name: left.get(name, 0) + right.get(name, 0) for name in {**left, **right}}
