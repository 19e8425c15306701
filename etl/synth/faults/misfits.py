"""Plants values of another JSON type or shape than the catalog lists.

Only forms whose fate is beyond doubt: what converts exactly, and what cannot be converted at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from etl.synth.faults.bench import Bench
from etl.synth.faults.spots import Spot
from etl.synth.plan import Kind
from models.catalog.records import JsonType


class Misfit(NamedTuple):
    """One wrong type: which rule finds it, where it can stand, what is put there."""

    form: str
    rule: str
    is_held: bool
    fits: Callable[[Spot], bool]
    change: Callable[[Bench, Any], Any]


def _is_leaf(json_type: JsonType) -> Callable[[Spot], bool]:
    def fits(spot: Spot) -> bool:
        field = spot.node.field
        is_free = not field.temporal and not field.value_set and spot.node.has_one_shape
        return spot.node.kind is Kind.LEAF and field.json_type is json_type and is_free

    return fits


def _is_kind(kind: Kind) -> Callable[[Spot], bool]:
    return lambda spot: spot.node.kind is kind and spot.node.has_one_shape


def _is_array_of_one(spot: Spot) -> bool:
    return _is_kind(Kind.ARRAY)(spot) and len(spot.value) == 1


MISFITS = (
    Misfit("number_for_string", "type_converted", True, _is_leaf(JsonType.STRING),
           lambda bench, _: bench.rng.randrange(10**6)),
    Misfit("string_for_number", "type_converted", True, _is_leaf(JsonType.NUMBER),
           lambda _, value: str(value)),
    Misfit("word_for_number", "type_misfit", False, _is_leaf(JsonType.NUMBER),
           lambda *_: "not a number"),
    Misfit("string_for_boolean", "type_converted", True, _is_leaf(JsonType.BOOLEAN),
           lambda _, value: str(value).lower()),
    Misfit("word_for_boolean", "type_misfit", False, _is_leaf(JsonType.BOOLEAN),
           lambda *_: "perhaps"),
    Misfit("object_for_string", "type_misfit", False, _is_leaf(JsonType.STRING),
           lambda _, value: {"Synthetic": value}),
    Misfit("string_for_object", "type_misfit", False, _is_kind(Kind.OBJECT),
           lambda *_: "no object"),
    Misfit("number_for_array", "type_misfit", False, _is_kind(Kind.ARRAY),
           lambda *_: 7),
    Misfit("object_for_array", "object_for_array", True, _is_array_of_one,
           lambda _, value: value[0]),
    Misfit("array_for_object", "array_for_object", True, _is_kind(Kind.OBJECT),
           lambda _, value: [value]),
    Misfit("long_array_for_object", "array_too_long_for_object", False, _is_kind(Kind.OBJECT),
           lambda _, value: [value, value]),
)  # fmt: skip


def plant_misfit(bench: Bench) -> None:
    """Change the type of one place, in a drawn way that the message has a place for."""
    for misfit in bench.rng.sample(MISFITS, len(MISFITS)):
        spot = bench.choose(misfit.fits)
        if spot is not None:
            spot.put(misfit.change(bench, spot.value))
            bench.plant(spot, rule=misfit.rule, form=misfit.form, is_held=misfit.is_held)
            return
