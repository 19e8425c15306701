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
_TWICE = "the page prints this path twice"
_UNEVEN = "its indentation fits no other field beside it"
_EMPTY_PARENT = "it may belong to the object before it, which prints no fields"


def place_entries(
    entries: Sequence[Entry], tree: EventTree, layout: Layout
) -> tuple[Placed, ...]:
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
    """The nested reading, or the walk where the nesting makes no sense and the walk does."""
    if known_share(nested) >= KNOWN_SHARE:
        return nested
    walked = walk_tree(entries, tree)
    return walked if known_share(walked) >= KNOWN_SHARE else nested


def _is_nested(entries: Sequence[Entry]) -> bool:
    depths = {entry.depth for entry in entries}
    return None not in depths and len(depths) > 1


@dataclass(slots=True)
class _Open:
    """An object or array of objects whose fields are being printed."""

    depth: int
    path: str
    child_depths: dict[bool, int] = field(default_factory=dict)
    emptied: set[str] = field(default_factory=set)


def _place_nested(entries: Sequence[Entry], tree: EventTree) -> list[Placed]:
    open_parents = [_Open(-1, "")]
    placed = []
    for entry in entries:
        depth = entry.depth if entry.depth is not None else 0
        closed = None
        while open_parents[-1].depth >= depth:
            closed = open_parents.pop()
        placed.append(_place_below(entry, depth, open_parents[-1], closed, tree))
        if entry.type and entry.type.holds_fields:
            open_parents.append(_Open(depth, placed[-1].path))
    return placed


def _place_below(
    entry: Entry, depth: int, parent: _Open, closed: _Open | None, tree: EventTree
) -> Placed:
    is_array = entry.type is not None and entry.type.is_array
    path = join_path(parent.path, entry.name, is_array=is_array)
    holds_fields = entry.type is not None and entry.type.holds_fields
    doubt = ""
    if parent.child_depths.setdefault(holds_fields, depth) != depth:
        doubt = _UNEVEN
    if closed and not closed.child_depths and tree.children.get(closed.path):
        parent.emptied.add(closed.path)
    if any(tree.child(empty, entry.name, is_array=is_array) for empty in parent.emptied):
        doubt = _EMPTY_PARENT
    return Placed(entry, path, path in tree.shapes, doubt)


def _doubt_repeats(placed: Sequence[Placed]) -> list[Placed]:
    """Doubt paths printed more than once, unless every print says the same."""
    prints = Counter(one.path for one in placed)
    statements = {(one.path, one.entry.rating, one.entry.required) for one in placed}
    says = Counter(path for path, _, _ in statements)
    repeated = {path for path, count in prints.items() if count > 1 and says[path] > 1}
    return [replace(one, doubt=_TWICE) if one.path in repeated else one for one in placed]
