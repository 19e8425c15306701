"""Plants times in other forms than the canonical one, and times that do not exist."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import NamedTuple

from etl.synth.faults.bench import Bench
from etl.synth.faults.spots import Spot
from etl.synth.plan import Kind
from etl.synth.wordlists import read_rows
from models.catalog.records import Temporal


class TimeForm(NamedTuple):
    """One way to write a time; `template` takes y m d H M S ms, all of one digit but y and ms.

    `means` is what it is stored as, in the same letters; "" where that says nothing of other times.
    """

    form: str
    rule: str
    temporal: str
    template: str
    is_held: bool
    means: str


@cache
def time_forms() -> tuple[TimeForm, ...]:
    """All forms of data/time_forms.csv."""
    return tuple(
        TimeForm(**{**row, "is_held": row["is_held"] == "yes"})  # type: ignore[arg-type]
        for row in read_rows("time_forms.csv")
    )


@cache
def _forms_for(temporal: Temporal) -> tuple[TimeForm, ...]:
    return tuple(form for form in time_forms() if form.temporal in (temporal.value, "both"))


def plant_bad_date(bench: Bench) -> None:
    """Write one temporal field in a drawn form."""
    spot = bench.choose(_is_temporal)
    if spot is None or spot.node.field.temporal is None:
        return
    form = bench.rng.choice(_forms_for(spot.node.field.temporal))
    digits = _draw_digits(bench)
    spot.put(form.template.format_map(digits))
    bench.meant[spot.place] = form.means.format_map(digits) or None
    bench.plant(spot, rule=form.rule, form=form.form, is_held=form.is_held)


def _is_temporal(spot: Spot) -> bool:
    return spot.node.kind is Kind.LEAF and spot.node.field.temporal is not None


def _draw_digits(bench: Bench) -> dict[str, int]:
    digit = bench.rng.randint
    year = date.fromisoformat(bench.message.event_at[:10]).year - digit(0, 5)
    small = {letter: digit(1, 9) for letter in "mdHMS"}
    return {"y": year, **small, "ms": digit(1, 999)}
