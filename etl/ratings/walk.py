"""Finds the paths of fields printed one after the other without nesting (layout C).

The fields come parent before child, so the next name belongs to the innermost open object that
lists it and has not printed it yet: on a page that prints every path of the catalog no other
reading is possible. Where paths are missing another may be, and then the field is doubted:
every open object further out that still lacks the name at the end could be its place as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from etl.ratings.event_tree import EventTree
from etl.ratings.records import Entry, Placed

_UNSURE = "without nesting it may belong to another object with the same field name"


@dataclass(slots=True)
class _Step:
    """One entry of the walk: its path ("" = none), its parent's step, where else it might be.

    `above` are the objects that were open around it.
    """

    entry: Entry
    path: str = ""
    parent: int | None = None
    elsewhere: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    is_unsure: bool = False


@dataclass(slots=True)
class _Walk:
    """The state of the walk: open objects (path, step), innermost last; steps by path taken."""

    tree: EventTree
    steps: list[_Step] = field(default_factory=list)
    open_objects: list[tuple[str, int | None]] = field(default_factory=lambda: [("", None)])
    left: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    is_lost: bool = False

    def take(self, entry: Entry) -> None:
        step = _Step(entry)
        self.steps.append(step)
        found = self._found(entry)
        free = [(level, path) for level, path in found if path not in self.taken]
        if free:
            level, step.path = free[0]
            step.elsewhere = tuple(path for _, path in free[1:])
            self._settle(step, level)
        else:
            self._lose(step, [path for _, path in found])

    def _found(self, entry: Entry) -> list[tuple[int, str]]:
        """The places the name has in the open objects, innermost first, with their level."""
        is_array = entry.type is not None and entry.type.is_array
        levels = range(len(self.open_objects) - 1, -1, -1)
        paths = (
            (level, self.tree.child(self.open_objects[level][0], entry.name, is_array=is_array))
            for level in levels
        )
        return [(level, path) for level, path in paths if path]

    def _settle(self, step: _Step, level: int) -> None:
        number = len(self.steps) - 1
        for path, _ in self.open_objects[level + 1 :]:
            self.left[path] = number
        del self.open_objects[level + 1 :]
        step.parent = self.open_objects[-1][1]
        step.above = tuple(path for path, _ in self.open_objects)
        self.taken[step.path] = number
        holds_fields = step.entry.type is not None and step.entry.type.holds_fields
        step.is_unsure = self.is_lost and not holds_fields
        if holds_fields:
            self.is_lost = False
            self.open_objects.append((step.path, number))

    def _lose(self, step: _Step, taken: list[str]) -> None:
        """No place is free: whatever could explain it, a repeat or a wrong leaving, is unsure."""
        step.is_unsure = True
        for path in taken:
            self.steps[self.taken[path]].is_unsure = True
        is_array = step.entry.type is not None and step.entry.type.is_array
        for path, leaver in self.left.items():
            belongs = self.tree.child(path, step.entry.name, is_array=is_array)
            if belongs and belongs not in self.taken:
                self.steps[leaver].is_unsure = True
        self.is_lost = self.is_lost or bool(step.entry.type and step.entry.type.holds_fields)


def walk_tree(entries: Sequence[Entry], tree: EventTree) -> list[Placed]:
    """Place entries by the catalog alone: unknown where there is no place, doubted where two."""
    walk = _Walk(tree)
    for entry in entries:
        walk.take(entry)
    _doubt_by_lost_objects(walk)
    _spread_doubts(walk)
    return [
        Placed(step.entry, step.path or step.entry.name, bool(step.path), _UNSURE)
        if step.is_unsure
        else Placed(step.entry, step.path, True)
        for step in walk.steps
    ]


def _doubt_by_lost_objects(walk: _Walk) -> None:
    """Doubt what may belong to an object whose own line is missing.

    An object beside the field is always thought of; one further out only where the page shows by
    fields without a place that it lost something, else every page that lacks an object would do.
    """
    has_lost = any(not step.path for step in walk.steps)
    lost: dict[str, set[str]] = defaultdict(set)
    for path in walk.tree.shapes:
        above = _objects_above(path)
        for parent, below in pairwise(above if has_lost else above[-2:]):
            if below not in walk.taken and path not in walk.taken:
                lost[parent].add(_own_name(path))
    for step in walk.steps:
        around = step.above if has_lost else step.above[-1:]
        step.is_unsure |= any(_own_name(step.path) in lost[parent] for parent in around)


def _objects_above(path: str) -> list[str]:
    """The objects that hold `path`, outermost (the root) first."""
    parts = path.split(".")[:-1]
    return [".".join(parts[:at]) for at in range(len(parts) + 1)]


def _own_name(path: str) -> str:
    return path.rpartition(".")[2]


def _spread_doubts(walk: _Walk) -> None:
    """Carry doubts on until none is new: to children, and to those who might swap places."""
    is_news = True
    while is_news:
        unsure = [step for step in walk.steps if not step.is_unsure and _is_unsure(step, walk)]
        for step in unsure:
            step.is_unsure = True
        is_news = bool(unsure)


def _is_unsure(step: _Step, walk: _Walk) -> bool:
    if step.parent is not None and walk.steps[step.parent].is_unsure:
        return True
    takers = (walk.taken.get(path) for path in step.elsewhere)
    return any(taker is None or walk.steps[taker].is_unsure for taker in takers)
