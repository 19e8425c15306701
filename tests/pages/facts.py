"""What a made page shall say of an event type: random ratings over the catalog's own paths."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from etl.ratings.event_tree import EventTree, plant_tree
from models.catalog.records import Catalog, Field, JsonType, Rating

SENTENCES = (
    "Made for tests",
    "Possible values come from the sender.",
    "Reliable in most systems, they say.",
    "Probable cause of the visit.",
    "The string or object that a sender calls by this name.",
    "Names a made-up thing - Not a field, but a remark",
    "Required when a tester asks for it.",
    "See another field of this list.",
    "",
)
RATINGS = (*Rating, None)


@dataclass(frozen=True, slots=True)
class Fact:
    """One field as the page shall print it."""

    field: Field
    required: bool
    rating: Rating | None
    sentence: str
    has_format: bool = False
    values: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return self.field.path

    @property
    def depth(self) -> int:
        return self.path.count(".")

    @property
    def is_grouping(self) -> bool:
        """Printed as a path alone in layout A: an object that says nothing."""
        return self.field.json_type is JsonType.OBJECT and not (self.rating or self.required)


def make_facts(catalog: Catalog, data_model: str, event_type: str, seed: int = 0) -> list[Fact]:
    """Random facts for every path of an event type, parents first, siblings in any order."""
    chance = random.Random(f"{data_model} {event_type} {seed}")
    tree = plant_tree(catalog, data_model, event_type)
    facts = [_make_fact(tree, path, chance) for path in _shuffled(tree, "", chance)]
    named = {"Meta.DataModel": data_model, "Meta.EventType": event_type}
    return [
        replace(one, sentence=named[one.path], has_format=False) if one.path in named else one
        for one in facts
    ]


def _make_fact(tree: EventTree, path: str, chance: random.Random) -> Fact:
    field = chance.choice(tree.shapes[path])
    return Fact(
        field=field,
        required=chance.random() < 0.2,
        rating=chance.choice(RATINGS),
        sentence=chance.choice(SENTENCES),
        has_format=chance.random() < 0.2,
    )


def _shuffled(tree: EventTree, parent: str, chance: random.Random) -> Iterator[str]:
    """Paths below `parent`, each right before its own; Meta first, with what names the event."""
    paths = list(tree.children.get(parent, ()))
    chance.shuffle(paths)
    first = ("Meta", "Meta.DataModel", "Meta.EventType")
    for path in sorted(paths, key=lambda one: first.index(one) if one in first else len(first)):
        yield path
        yield from _shuffled(tree, path, chance)


def expected(facts: Sequence[Fact]) -> dict[str, tuple[bool, Rating | None]]:
    """What an import must read from a page of these facts, by path."""
    return {fact.path: (fact.required, fact.rating) for fact in facts}
