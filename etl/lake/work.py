"""What the driver hands to executors: units of work by name, never bytes of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from etl.framing.frames import ITEM
from etl.kernel.exact import Limits
from etl.kernel.numbering import NOT_LOADED
from etl.landing.store import Landing
from etl.pipeline.units import Run, Unit, run_of

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Site:
    """The home as an executor finds it; `nulled` are (data model, fields) as for `Compiled`."""

    home: str
    overlay: str
    catalog_hash: str
    key_mark: str
    limits: Limits
    nulled: tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Items first_item <= position < stop_item of a landed object, read by a recipe.

    `as_items` tries what the landing took for damaged as items all the same, as a replay does.
    """

    object_id: str
    unwrap: str
    first_item: int
    stop_item: int
    as_items: bool = False


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """Runs that go through the kernel together."""

    runs: tuple[RunPlan, ...]


@dataclass(frozen=True, slots=True)
class NumberedUnit:
    """A unit whose messages have ids: dense from `first_id`, for the items whose bit is set.

    `digest` is of the content hashes they were numbered by.
    """

    plan: UnitPlan
    first_id: int
    is_new: bytes
    digest: bytes

    @property
    def has_messages(self) -> bool:
        """True if any of its items is to be written."""
        return any(self.is_new)

    def ids(self, count: int) -> Integers:
        """The message_id of each of the unit's items, NOT_LOADED for those without."""
        bits = np.unpackbits(np.frombuffer(self.is_new, np.uint8), count=count).astype(np.bool_)
        return np.where(bits, self.first_id + np.cumsum(bits) - 1, NOT_LOADED)


@dataclass(frozen=True, slots=True)
class PlacedUnit:
    """A unit whose messages have ids already: eight bytes for each of its items."""

    plan: UnitPlan
    ids_bytes: bytes
    digest: bytes

    @property
    def has_messages(self) -> bool:
        """True, as each item has an id."""
        return True

    def ids(self, count: int) -> Integers:
        """The message_id of each of the unit's items."""
        ids: Integers = np.frombuffer(self.ids_bytes, np.int64)
        assert len(ids) == count
        return ids


def numbered(plan: UnitPlan, ids: Integers, hashes: npt.NDArray[np.uint64]) -> NumberedUnit:
    """A unit with its ids, which are dense and ascending."""
    is_new = ids != NOT_LOADED
    first = int(ids[is_new][0]) if is_new.any() else 0
    return NumberedUnit(plan, first, np.packbits(is_new).tobytes(), digest_of(hashes))


def digest_of(hashes: npt.NDArray[np.uint64]) -> bytes:
    """By which it is seen that two readings of a unit gave the same contents."""
    return sha256(np.ascontiguousarray(hashes).tobytes()).digest()


def placed(plan: UnitPlan, ids: Integers, hashes: npt.NDArray[np.uint64]) -> PlacedUnit:
    """A unit with the ids that its messages have."""
    return PlacedUnit(plan, np.ascontiguousarray(ids, np.int64).tobytes(), digest_of(hashes))


def plan_of(unit: Unit, *, as_items: bool = False) -> UnitPlan:
    """A unit by name."""
    return UnitPlan(
        tuple(
            RunPlan(run.object_id, run.unwrap, run.first_item, run.first_item + len(run), as_items)
            for run in unit.runs
        )
    )


def unit_of(plan: UnitPlan, landing: Landing) -> Unit:
    """The unit of a name, as the landing's indexes have it."""
    return Unit(tuple(_run(run, landing) for run in plan.runs))


def _run(plan: RunPlan, landing: Landing) -> Run:
    landed = landing.describe(plan.object_id)
    run = run_of(landing, landed, unwrap=plan.unwrap, span=(plan.first_item, plan.stop_item))
    return replace(run, kind=np.full(len(run), ITEM, np.int8)) if plan.as_items else run


def group(units: Sequence[Unit], most_bytes: int) -> list[range]:
    """Units that follow each other in tasks of at most so many bytes, by their positions."""
    tasks: list[range] = []
    start = size_bytes = 0
    for number, unit in enumerate(units):
        if number > start and size_bytes + unit.size_bytes > most_bytes:
            tasks.append(range(start, number))
            start, size_bytes = number, 0
        size_bytes += unit.size_bytes
    return [*tasks, range(start, len(units))] if units else []
