"""Where faults can stand: the populated listed places of a payload; how often paths are filled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from etl.synth.plan import Kind, Node

Place: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A populated member of a payload: `holder[key]`, listed as `node`.

    `place` is its address by keys and positions (from 0), `ordinals` the 1-based positions of the
    arrays around it, outermost first.
    """

    node: Node
    holder: Any
    key: str
    place: Place
    ordinals: tuple[int, ...]

    @property
    def value(self) -> Any:
        return self.holder[self.key]

    def put(self, value: Any) -> None:
        """Replace the value in the payload."""
        self.holder[self.key] = value


def find_spots(payload: Any, nodes: Iterable[Node]) -> Iterator[Spot]:
    """All populated places of a clean payload outside Meta."""
    clinical = [node for node in nodes if node.name != "Meta"]
    yield from _members(payload, clinical, place=(), ordinals=())


def _members(
    holder: Any, nodes: Iterable[Node], *, place: Place, ordinals: tuple[int, ...]
) -> Iterator[Spot]:
    for node in nodes:
        value = holder.get(node.name)
        if not is_populated(value):
            continue
        spot = Spot(node, holder, node.name, (*place, node.name), ordinals)
        yield spot
        if node.kind is Kind.OBJECT and isinstance(value, dict):
            yield from _members(value, node.children, place=spot.place, ordinals=ordinals)
        elif node.kind is Kind.ARRAY and isinstance(value, list):
            for index, element in enumerate(value):
                below = (*spot.place, index)
                yield from _members(
                    element, node.children, place=below, ordinals=(*ordinals, index + 1)
                )


def is_populated(value: Any) -> bool:
    """False for null, "", {}, [] and for objects and arrays of only such."""
    if isinstance(value, dict):
        return any(map(is_populated, value.values()))
    if isinstance(value, list):
        return any(map(is_populated, value))
    return value is not None and value != ""


def count_listed(
    payload: Any, nodes: Iterable[Node], *, gone: Collection[Place] = ()
) -> Counter[str]:
    """The populated occurrences of each listed path, without the places that are `gone`.

    Containers count in their listed shape: a lone object as an array of one, an array of one as
    its object.
    """
    counts: Counter[str] = Counter()
    _count_members(payload, nodes, place=(), gone=gone, counts=counts)
    return counts


def _count_members(
    holder: Any,
    nodes: Iterable[Node],
    *,
    place: Place,
    gone: Collection[Place],
    counts: Counter[str],
) -> bool:
    found = [
        _count(holder[node.name], node, place=(*place, node.name), gone=gone, counts=counts)
        for node in nodes
        if node.name in holder
    ]
    return any(found)


def _count(
    value: Any, node: Node, *, place: Place, gone: Collection[Place], counts: Counter[str]
) -> bool:
    if place in gone:
        return False
    if node.kind in (Kind.ARRAY, Kind.SCALARS):
        return _count_elements(value, node, place=place, gone=gone, counts=counts)
    if node.kind is Kind.OBJECT:
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(value, dict):
            is_filled = _count_members(value, node.children, place=place, gone=gone, counts=counts)
            counts[node.path] += is_filled
            return is_filled
    is_filled = not isinstance(value, dict | list) and is_populated(value)
    counts[node.path] += is_filled
    return is_filled


def _count_elements(
    value: Any, node: Node, *, place: Place, gone: Collection[Place], counts: Counter[str]
) -> bool:
    elements = [value] if isinstance(value, dict) else value
    filled = 0
    for index, element in enumerate(elements if isinstance(elements, list) else ()):
        if isinstance(element, dict):
            below = (*place, index)
            filled += _count_members(element, node.children, place=below, gone=gone, counts=counts)
        elif node.kind is Kind.SCALARS:
            filled += is_populated(element)
    counts[node.path] += filled
    return filled > 0
