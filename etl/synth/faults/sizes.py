"""Plants size and spelling: messages of megabytes, long arrays, numbers spelled another way.

None of these is wrong; size has no rule.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal

from etl.synth import wordlists
from etl.synth.faults.bench import Bench
from etl.synth.faults.spots import Spot
from etl.synth.plan import Kind, bare
from models.catalog.records import JsonType


def plant_large_text(bench: Bench, *, size_bytes: int) -> None:
    """Pad a free-text field until the message has about this size."""
    spot = bench.choose(_is_free_text) or bench.choose(_is_string)
    if spot is None:
        return
    sentence = bench.rng.choice(wordlists.words()["sentence"]) + " "
    spot.put((sentence * (size_bytes // len(sentence.encode()) + 1)).strip())
    bench.plant(spot, rule="", form="large")


def plant_long_array(bench: Bench, *, length: int) -> None:
    """Repeat the elements of one array up to this length."""
    spot = bench.choose(_is_array)
    if spot is None:
        return
    elements = spot.value
    spot.put([copy.deepcopy(elements[place % len(elements)]) for place in range(length)])
    bench.plant(spot, rule="", form="long_array")


def plant_number_spelling(bench: Bench) -> None:
    """Spell a number in another way that means the same; the received form keeps it."""
    spot = bench.choose(lambda spot: spot.node.field.json_type is JsonType.NUMBER)
    if spot is None:
        return
    number = Decimal(str(spot.value))
    form, spell = bench.rng.choice(tuple(SPELLINGS.items()))
    spot.put(bench.raw(spell(number)))
    bench.meant[spot.place] = float(number)
    bench.plant(spot, rule="number_spelling", form=form)


SPELLINGS: dict[str, Callable[[Decimal], str]] = {
    "trailing_zero": lambda number: f"{number:f}{'0' if '.' in f'{number:f}' else '.0'}",
    "exponent": lambda number: f"{number:.6e}",
    "capital_exponent": lambda number: f"{number:.6E}",
}


def _is_free_text(spot: Spot) -> bool:
    rule = wordlists.value_rule(bare(spot.node.path))
    return _is_string(spot) and bool(rule and rule.pool.startswith("text."))


def _is_string(spot: Spot) -> bool:
    field = spot.node.field
    is_free = not field.temporal and not field.value_set
    return spot.node.kind is Kind.LEAF and field.json_type is JsonType.STRING and is_free


def _is_array(spot: Spot) -> bool:
    return spot.node.kind in (Kind.ARRAY, Kind.SCALARS)
