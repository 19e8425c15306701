"""Plants values that cannot both be true: an end before its start, a flag against its number."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from etl.synth.clock import time_text
from etl.synth.faults.bench import Bench
from etl.synth.faults.relations import Pair, Value, is_broken, pairs_in
from models.catalog.records import Comparison, JsonType, Temporal

CLEARLY = 7  # days or units: more than what the zone of a date or an unknown day leaves open
MOST_DAYS = 40


def plant_contradiction(bench: Bench) -> None:
    """Make one pair of values break one rule; the rule is drawn first, so that rare ones come too.

    What breaks is recorded when the message is finished, with whatever else breaks beside it.
    """
    pairs = [pair for pair in pairs_in(bench.payload, bench.relations) if _is_open(bench, pair)]
    for rule in bench.draw_order({pair.relation.rule for pair in pairs}):
        own = [pair for pair in pairs if pair.relation.rule == rule]
        if any(_contradict(bench, pair) for pair in bench.rng.sample(own, len(own))):
            return


def _is_open(bench: Bench, pair: Pair) -> bool:
    return all(bench.is_open(value.place) for value in _changed(pair))


def _changed(pair: Pair) -> tuple[Value, ...]:
    """What is written: the left value, and the flag that the rule depends on."""
    return (pair.left, pair.when) if pair.when else (pair.left,)


def _contradict(bench: Bench, pair: Pair) -> bool:
    """Write the pair so that it breaks its rule; False, and nothing written, where it cannot."""
    before = [value.read() for value in _changed(pair)]
    wrong = _wrong_value(bench, pair)
    if wrong is not None:
        pair.left.holder[pair.left.key] = wrong
        if pair.when:
            pair.when.holder[pair.when.key] = bench.rng.choice(pair.relation.when_values)
        if is_broken(pair, bench.meant):
            for value in _changed(pair):
                bench.close(value.place)
            return True
    for value, was in zip(_changed(pair), before, strict=True):
        value.holder[value.key] = was
    return False


def _wrong_value(bench: Bench, pair: Pair) -> Any:
    other, comparison = (
        bench.meant.get(pair.right.place, pair.right.read()),
        pair.relation.comparison,
    )
    if comparison in (Comparison.ABOVE, Comparison.BELOW):
        return _wrong_number(pair, other)
    day = _day(other)
    if day is None:
        return None
    days = MOST_DAYS + bench.rng.randint(CLEARLY, 5 * CLEARLY)
    if comparison is Comparison.YEARS_BEFORE:
        days = round(366 * (pair.relation.limit + CLEARLY))
    day += timedelta(days=days if comparison is Comparison.AFTER else -days)
    return _spell(day, pair.relation.left.temporal, ms=bench.rng.randrange(1, 86_400_000))


def _day(text: Any) -> date | None:
    try:
        return datetime.fromisoformat(text).date()
    except (TypeError, ValueError):
        return None


def _spell(day: date, temporal: Temporal | None, *, ms: int) -> str:
    return day.isoformat() if temporal is Temporal.DATE else time_text(day, ms)


def _wrong_number(pair: Pair, other: Any) -> Any:
    try:
        number = round(float(other))
    except (TypeError, ValueError):
        return None
    number += CLEARLY if pair.relation.comparison is Comparison.ABOVE else -CLEARLY
    return number if pair.relation.left.json_type is JsonType.NUMBER else str(number)
