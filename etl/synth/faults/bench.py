"""The bench: one parsed message on which faults are planted, and its way back to bytes.

JSON that no encoder writes (a repeated key, 1e2, a lone surrogate) is planted as a marker and put
in as raw text at the end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import orjson

from etl.synth.faults.relations import Relation, is_broken, pairs_in
from etl.synth.faults.spots import Place, Spot, count_listed, find_spots
from etl.synth.message import Message, Planted
from models.catalog.records import Catalog

VALUE_RULE = "value_not_supported"
ANALOGY_RULE = "value_not_supported_by_analogy"


class Bench:
    """One message in work. Faults never overlap: a planted place closes all above and below it."""

    def __init__(
        self,
        message: Message,
        *,
        catalog: Catalog,
        relations: tuple[Relation, ...],
        rng: random.Random,
    ) -> None:
        self.message = message
        self.catalog = catalog
        self.relations = relations
        self.rng = rng
        self.payload: Any = orjson.loads(message.body)
        self.planted: list[Planted] = []
        self.meant: dict[Place, Any] = {}  # what odd spellings are stored as, see `relations`
        self._spots = list(find_spots(self.payload, message.plan.nodes))
        self._closed: set[Place] = set()
        self._planted_at: list[Place] = []
        self._gone: set[Place] = set()
        self._raw: dict[bytes, bytes] = {}
        self._at_end: list[Callable[[Mapping[str, int]], list[Planted]]] = []

    def spots(self, fits: Callable[[Spot], bool]) -> list[Spot]:
        """The open places that fit."""
        return [spot for spot in self._spots if self.is_open(spot.place) and fits(spot)]

    def choose(self, fits: Callable[[Spot], bool]) -> Spot | None:
        """One of the open places that fit, drawn; None where there is none."""
        found = self.spots(fits)
        return self.rng.choice(found) if found else None

    def draw_order(self, names: AbstractSet[str]) -> list[str]:
        """The names in a drawn order that does not hang on how a set is ordered."""
        return self.rng.sample(sorted(names), len(names))

    def is_open(self, place: Place) -> bool:
        """True if nothing was planted at, above or below the place."""
        return place not in self._closed and not any(
            place[: len(planted)] == planted for planted in self._planted_at
        )

    def close(self, place: Place) -> None:
        """Keep later faults off a place and all above and below it."""
        self._planted_at.append(place)
        self._closed.update(place[:length] for length in range(1, len(place) + 1))

    def plant(
        self, spot: Spot, *, rule: str, form: str, is_held: bool = True, suggestion: str = ""
    ) -> None:
        """Record what was done at a place, and keep later faults off it."""
        value_set = spot.node.field.value_set if rule in (VALUE_RULE, ANALOGY_RULE) else ""
        where = (spot.node.path, spot.ordinals)
        self.planted.append(Planted(rule, *where, form, value_set, suggestion, is_held))
        self.close(spot.place)
        if not is_held:
            self._gone.add(spot.place)

    def at_end(self, tell: Callable[[Mapping[str, int]], list[Planted]]) -> None:
        """Record what depends on the held counts of the finished message."""
        self._at_end.append(tell)

    def raw(self, text: str) -> str:
        """A marker that is a value or key, replaced by this JSON text in the bytes."""
        marker = f"@raw-{len(self._raw)}@"
        self._raw[orjson.dumps(marker)] = text.encode()
        return marker

    def finish(self) -> None:
        """Write the worked payload, its counts and what was planted back into the message."""
        message, nodes = self.message, self.message.plan.nodes
        body = orjson.dumps(self.payload)
        for marker, text in self._raw.items():
            body = body.replace(marker, text)
        message.body = body
        message.counts = count_listed(self.payload, nodes)
        if self._gone:
            message.held_counts = count_listed(self.payload, nodes, gone=self._gone)
        for tell in self._at_end:
            self.planted += tell(message.held_counts or message.counts)
        self.planted += self._contradictions()
        message.planted += tuple(self.planted)

    def _contradictions(self) -> list[Planted]:
        """What the finished values break between each other: one record per rule and left value."""
        broken = {
            (pair.relation.rule, pair.relation.left.path, pair.left.ordinals)
            for pair in pairs_in(self.payload, self.relations)
            if is_broken(pair, self.meant)
        }
        return [Planted(*one, form="contradiction") for one in sorted(broken)]
