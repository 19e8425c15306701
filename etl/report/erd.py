"""Draws which mart refers to which, as SVG: what is referred to stands left of what refers to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import escape

BOX_WIDTH, BOX_HEIGHT = 264, 52
GAP_X, GAP_Y, MARGIN = 96, 14, 8
LONGEST_KEY = 34


@dataclass(frozen=True, slots=True)
class Node:
    """A table: its name, its key, its rows, the names it refers to."""

    name: str
    key: tuple[str, ...]
    rows: int
    refers: tuple[str, ...]


def draw_erd(nodes: Sequence[Node]) -> str:
    """The diagram as SVG text; each box is a link to `#NAME`."""
    ranks = _ranks({node.name: node for node in nodes})
    places = _places(nodes, ranks)
    width = 2 * MARGIN + (max(ranks.values(), default=0) + 1) * (BOX_WIDTH + GAP_X) - GAP_X
    height = max((y for _, y in places.values()), default=0) + BOX_HEIGHT + MARGIN
    lines = [
        _line(places[node.name], places[target])
        for node in nodes
        for target in node.refers
        if target in places and target != node.name
    ]
    boxes = [_box(node, *places[node.name]) for node in nodes]
    return (
        f'<svg class="erd" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="group" aria-label="Which mart refers to which">'
        f"{''.join(lines)}{''.join(boxes)}</svg>"
    )


def _ranks(nodes: dict[str, Node]) -> dict[str, int]:
    """How many steps each is away from those that refer to nothing; one step for those alone."""
    known: dict[str, int] = {}

    def rank(name: str, seen: frozenset[str]) -> int:
        if name not in known:
            targets = [t for t in nodes[name].refers if t in nodes and t not in seen | {name}]
            known[name] = max((rank(t, seen | {name}) + 1 for t in targets), default=0)
        return known[name]

    for name in nodes:
        rank(name, frozenset())
    named = {target for node in nodes.values() for target in node.refers}
    return {name: found or int(name not in named) for name, found in known.items()}


def _places(nodes: Sequence[Node], ranks: dict[str, int]) -> dict[str, tuple[int, int]]:
    columns: dict[int, list[str]] = {}
    for node in nodes:
        columns.setdefault(ranks[node.name], []).append(node.name)
    tallest = max(map(len, columns.values()), default=0)
    places = {}
    for rank, names in columns.items():
        top = MARGIN + (tallest - len(names)) * (BOX_HEIGHT + GAP_Y) // 2
        for number, name in enumerate(names):
            x = MARGIN + rank * (BOX_WIDTH + GAP_X)
            places[name] = (x, top + number * (BOX_HEIGHT + GAP_Y))
    return places


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    """From the left side of what refers to the right side of what it refers to."""
    x1, y1 = start[0], start[1] + BOX_HEIGHT // 2
    x2, y2 = end[0] + BOX_WIDTH, end[1] + BOX_HEIGHT // 2
    bend = GAP_X // 2
    return f'<path d="M{x1} {y1}C{x1 - bend} {y1} {x2 + bend} {y2} {x2} {y2}"/>'


def _box(node: Node, x: int, y: int) -> str:
    key = ", ".join(node.key)
    key = key if len(key) <= LONGEST_KEY else f"{key[: LONGEST_KEY - 1]}\N{HORIZONTAL ELLIPSIS}"
    rows = f"{node.rows:,}"
    return (
        f'<a href="#{escape(node.name)}"><rect x="{x}" y="{y}" width="{BOX_WIDTH}" '
        f'height="{BOX_HEIGHT}" rx="7"/><text x="{x + 12}" y="{y + 21}" class="name">'
        f"{escape(node.name.partition('.')[2])}</text>"
        f'<text x="{x + BOX_WIDTH - 12}" y="{y + 21}" class="rows">{rows}</text>'
        f'<text x="{x + 12}" y="{y + 40}" class="key">{escape(key)}</text></a>'
    )
