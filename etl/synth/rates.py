"""Population rates: from documented ratings, defaults and overrides to a share per planned path.

A path's rate is the share of messages (below an array: of its elements) that carry it. An object
is carried at least as often as the fullest of its fields, so the rate of a field holds exactly
whatever its parents' defaults are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from etl.synth.dials import Override, SourceDial
from etl.synth.plan import Kind, Node, Plan


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in path.split("*")))


def active_overrides(
    overrides: Sequence[Override], *, source: SourceDial, plan: Plan, day: int
) -> tuple[Override, ...]:
    """The overrides that hold for a source and event type on a day (counted from 1)."""
    event = plan.event
    return tuple(
        override
        for override in overrides
        if override.source in ("", source.name, source.source_id)
        and override.data_model in ("", event.data_model)
        and override.event_type in ("", event.event_type)
        and override.first_day <= day
        and (not override.last_day or day <= override.last_day)
        and any(_pattern(override.path).fullmatch(node.path) for node in plan.walk())
    )


class Rates:
    """The rates of one plan: `given_parent[node.index]` is the share among carried parents."""

    def __init__(
        self, plan: Plan, *, overrides: tuple[Override, ...] = (), density: float = 1.0
    ) -> None:
        self._overrides = overrides
        self._density = density
        self.overall = [0.0] * plan.size
        self.given_parent = [0.0] * plan.size
        for node in plan.nodes:
            self._spread(node, parent_rate=1.0, most=1.0)
        for node in plan.nodes:
            self._lift(node)
        for node in plan.nodes:
            self._divide(node, parent_rate=1.0)

    def _override(self, node: Node) -> float | None:
        for override in reversed(self._overrides):
            if _pattern(override.path).fullmatch(node.path):
                return override.rate
        return None

    def _spread(self, node: Node, *, parent_rate: float, most: float) -> None:
        """Top down: a node's own rate; `most` is what an override of an ancestor allows."""
        override = self._override(node)
        if override is not None:
            rate = most_below = override
        else:
            rate, most_below = min(self._default(node, parent_rate), most), most
        self.overall[node.index] = rate
        if node.kind is Kind.ARRAY:
            rate, most_below = 1.0, 0.0 if override == 0 else 1.0
        for child in node.children:
            self._spread(child, parent_rate=rate, most=most_below)

    def _default(self, node: Node, parent_rate: float) -> float:
        if node.required:
            return parent_rate
        if node.rated is not None:
            return node.rated
        return parent_rate * min(1.0, node.rate * self._density)

    def _lift(self, node: Node) -> None:
        """Bottom up: an object is carried as often as its fullest field."""
        for child in node.children:
            self._lift(child)
        if node.kind is Kind.OBJECT and node.children:
            fullest = max(self.overall[child.index] for child in node.children)
            self.overall[node.index] = max(self.overall[node.index], fullest)

    def _divide(self, node: Node, *, parent_rate: float) -> None:
        rate = self.overall[node.index]
        self.given_parent[node.index] = min(1.0, rate / parent_rate) if parent_rate else 0.0
        for child in node.children:
            self._divide(child, parent_rate=1.0 if node.kind is Kind.ARRAY else rate)
