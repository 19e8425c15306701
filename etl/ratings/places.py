"""Which path of the event type's catalog each printed field is.

Layout A prints the path; nesting tells it in layout B. `walk` finds it where nesting is lost. A
field whose place is not sure keeps a doubt, and its rating is not used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from etl.ratings.event_tree import EventTree, join_path
from etl.ratings.records import Entry, Layout, Placed
from etl.ratings.walk import walk_tree

KNOWN_SHARE = 0.9
NESTED_SHARE = 0.5
_TWICE = "the page prints this path twice"
_UNEVEN = "its indentation does not match any field beside it"
_MIXED = "fields of another object seem to be among those of its object"
_EMPTY_PARENT = "it may belong to the object before it, which has no fields"


def place_entries(entries: Sequence[Entry], tree: EventTree, layout: Layout) -> tuple[Placed, ...]:
    """Give every entry its path; entries that repeat a path with another statement are doubted."""
    if layout is Layout.PATHS:
        placed = [Placed(entry, entry.name, entry.name in tree.shapes) for entry in entries]
    elif _is_nested(entries):
        placed = _better(_place_nested(entries, tree), entries, tree)
    else:
        placed = walk_tree(entries, tree)
    return tuple(_doubt_repeats(placed))


def known_share(placed: Sequence[Placed]) -> float:
    """The share of the paths found that the event type's catalog lists; 0 when none was found."""
    known = {one.path for one in placed if one.is_known}
    unknown = {one.path for one in placed if not one.is_known}
    return len(known) / (len(known) + len(unknown)) if placed else 0.0


def _better(nested: list[Placed], entries: Sequence[Entry], tree: EventTree) -> list[Placed]:
    """The nested reading, or the walk where the nesting is no guide at all and the walk is."""
    if known_share(nested) >= NESTED_SHARE:
        return nested
    walked = walk_tree(entries, tree)
    return walked if known_share(walked) >= KNOWN_SHARE else nested


def _is_nested(entries: Sequence[Entry]) -> bool:
    depths = {entry.depth for entry in entries}
    return None not in depths and len(depths) > 1


@dataclass(slots=True)
class _Open:
    """An object or array of objects whose fields are being printed; `at` is its entry's index."""

    depth: int
    path: str
    at: int | None = None
    has_fields: bool = False
    emptied: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Indent:
    """How much deeper than its parent a field stands, among fields of its sort."""

    is_top: bool
    holds_fields: bool
    step: int

    @property
    def sort(self) -> tuple[bool, bool]:
        return self.is_top, self.holds_fields


def _place_nested(entries: Sequence[Entry], tree: EventTree) -> list[Placed]:
    open_parents = [_Open(-1, "")]
    placed, indents, parents = [], [], []
    for at, entry in enumerate(entries):
        depth = entry.depth if entry.depth is not None else 0
        closed = None
        while open_parents[-1].depth >= depth:
            closed = open_parents.pop()
        parent = open_parents[-1]
        holds_fields = entry.type is not None and entry.type.holds_fields
        placed.append(_place_below(entry, parent, closed, tree))
        indents.append(_Indent(not parent.path, holds_fields, depth - parent.depth))
        parents.append(parent.at)
        parent.has_fields = True
        if holds_fields:
            open_parents.append(_Open(depth, placed[-1].path, at))
    return _doubt_mixed(_doubt_uneven(placed, indents), parents)


def _place_below(entry: Entry, parent: _Open, closed: _Open | None, tree: EventTree) -> Placed:
    is_array = entry.type is not None and entry.type.is_array
    path = join_path(parent.path, entry.name, is_array=is_array)
    if closed and not closed.has_fields and tree.children.get(closed.path):
        parent.emptied.add(closed.path)
    may_move = any(tree.child(empty, entry.name, is_array=is_array) for empty in parent.emptied)
    return Placed(entry, path, path in tree.shapes, _EMPTY_PARENT if may_move else "")


def _doubt_uneven(placed: Sequence[Placed], indents: Sequence[_Indent]) -> list[Placed]:
    """Doubt fields that stand in deeper or less deep than the others: their parent may be lost."""
    counts = Counter(indents)
    usual = {one.sort: one for one, _ in reversed(counts.most_common())}
    return [
        one if usual[indent.sort] == indent else replace(one, doubt=_UNEVEN)
        for one, indent in zip(placed, indents, strict=True)
    ]


def _doubt_mixed(placed: Sequence[Placed], parents: Sequence[int | None]) -> list[Placed]:
    """Doubt all fields of an object that prints one of them twice.

    Then the line of the object behind it is lost, and that one's fields stand among its own.
    """
    prints = Counter((parent, one.path) for one, parent in zip(placed, parents, strict=True))
    mixed = {parent for (parent, _), count in prints.items() if count > 1 and parent is not None}
    is_mixed: list[bool] = []
    for parent in parents:
        is_mixed.append(parent in mixed or (parent is not None and is_mixed[parent]))
    return [
        replace(one, doubt=_MIXED) if doubted else one
        for one, doubted in zip(placed, is_mixed, strict=True)
    ]


def _doubt_repeats(placed: Sequence[Placed]) -> list[Placed]:
    """Doubt paths printed more than once, unless every print says the same."""
    prints = Counter(one.path for one in placed)
    statements = {(one.path, one.entry.rating, one.entry.required) for one in placed}
    says = Counter(path for path, _, _ in statements)
    repeated = {path for path, count in prints.items() if count > 1 and says[path] > 1}
    return [replace(one, doubt=_TWICE) if one.path in repeated else one for one in placed]
