"""Plants values outside closed value sets: near misses, known synonyms, and plain unknown ones."""

from __future__ import annotations

from collections.abc import Callable

from etl.synth.faults.bench import ANALOGY_RULE, VALUE_RULE, Bench
from etl.synth.faults.spots import Spot
from etl.synth.plan import Kind
from models.catalog.records import Catalog, ValueSetKind


def plant_bad_code(bench: Bench) -> None:
    """Give one field of a closed set a value outside it; suggested is what it stands for."""
    catalog = bench.catalog
    spot = bench.choose(lambda spot: _is_enforced(spot, catalog))
    if spot is None:
        return
    forms = [draw(bench, spot) for draw in (_synonym, _other_case, _other_spacing, _unknown)]
    name, value, suggestion = bench.rng.choice([form for form in forms if form])
    spot.put(value)
    rule = VALUE_RULE if spot.node.field.is_value_set_certain else ANALOGY_RULE
    bench.plant(spot, rule=rule, form=name, suggestion=suggestion)


def _is_enforced(spot: Spot, catalog: Catalog) -> bool:
    value_set = catalog.value_sets.get(spot.node.field.value_set)
    is_closed = value_set is not None and value_set.kind is ValueSetKind.CLOSED
    return is_closed and spot.node.kind is Kind.LEAF and isinstance(spot.value, str)


def _synonym(bench: Bench, spot: Spot) -> tuple[str, str, str] | None:
    value_set = spot.node.field.value_set
    known = [line for line in bench.catalog.synonyms if line.value_set == value_set]
    if not known:
        return None
    line = bench.rng.choice(known)
    return ("synonym", line.received, line.supported)


def _other_case(bench: Bench, spot: Spot) -> tuple[str, str, str] | None:
    return _changed("other_case", bench, spot, str.swapcase)


def _other_spacing(bench: Bench, spot: Spot) -> tuple[str, str, str] | None:
    return _changed("other_spacing", bench, spot, lambda text: f" {text.replace(' ', '  ')} ")


def _changed(
    name: str, bench: Bench, spot: Spot, change: Callable[[str], str]
) -> tuple[str, str, str] | None:
    supported = spot.value
    changed = change(supported)
    is_outside = changed not in bench.catalog.value_sets[spot.node.field.value_set].values
    return (name, changed, supported) if is_outside else None


def _unknown(bench: Bench, spot: Spot) -> tuple[str, str, str]:
    return ("unknown", f"Synthetic-{bench.rng.randrange(100)}", "")
