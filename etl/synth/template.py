"""A message as text with holes: written from a grown host, filled from the pools.

Which fields a message carries is decided in `shapes`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from etl.synth.plan import Node, Plan
from etl.synth.pools import Pool

Hole: TypeAlias = tuple[Pool, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A message with holes: `template % values`; hole = (pool, offset, length of the pool).

    `counts` is the number of populated occurrences of each listed path. A recorded one is a reply
    under its query's event type.
    """

    template: bytes
    holes: tuple[Hole, ...]
    counts: Counter[str]
    is_recorded: bool = False

    def fill(self, draw: int) -> bytes:
        """The message for a drawn number."""
        return self.template % tuple(
            [pool[(draw + offset) % size] for pool, offset, size in self.holes]
        )


@dataclass(slots=True)
class Host:
    """An object being grown: members, offsets of the open records, place in its array."""

    members: dict[str, Member] = field(default_factory=dict)
    offsets: tuple[int, ...] = ()
    place: int = 0
    populated: bool = False


@dataclass(frozen=True, slots=True)
class Blank:
    """The text of a member that is present but not populated: null, "", [] or {}."""

    text: str


Member: TypeAlias = "Host | list[Host | Blank] | list[Hole] | Hole | Blank"


def is_populated(member: Member) -> bool:
    """True if a member holds a value anywhere."""
    if isinstance(member, Host):
        if not member.populated:
            member.populated = any(is_populated(inner) for inner in member.members.values())
        return member.populated
    if isinstance(member, list):
        return any(is_populated(inner) for inner in member)
    return not isinstance(member, Blank)


def write_shape(plan: Plan, host: Host, *, is_recorded: bool = False) -> Shape:
    """The template of a grown host, with its holes and counts."""
    return replace(_Writer(plan).shape(host), is_recorded=is_recorded)


class _Writer:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._text: list[str] = []
        self._holes: list[Hole] = []
        self._counts: Counter[str] = Counter()

    def shape(self, host: Host) -> Shape:
        self._members(host, self._plan.nodes)
        return Shape("".join(self._text).encode(), tuple(self._holes), self._counts)

    def _members(self, host: Host, nodes: tuple[Node, ...]) -> None:
        separator = "{"
        for node in nodes:
            member = host.members.get(node.name)
            if member is None or not (isinstance(member, Blank) or is_populated(member)):
                continue
            self._text.append(f'{separator}"{node.name}":')
            self._value(member, node)
            separator = ","
        self._text.append("{}" if separator == "{" else "}")

    def _value(self, member: Member, node: Node) -> None:
        if isinstance(member, Blank):
            self._text.append(member.text)
        elif isinstance(member, list):
            self._array(member, node)
        else:
            self._counts[node.path] += 1
            self._filled(member, node)

    def _filled(self, member: Host | Hole, node: Node) -> None:
        if isinstance(member, Host):
            self._members(member, node.children)
        else:
            self._text.append("%b")
            self._holes.append(member)

    def _array(self, elements: list[Host | Blank] | list[Hole], node: Node) -> None:
        separator = "["
        for element in elements:
            if isinstance(element, Host) and not is_populated(element):
                continue
            self._text.append(separator)
            self._value(element, node)
            separator = ","
        self._text.append("]")
