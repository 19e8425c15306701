"""Result values: what a component of a panel measures, and the flag that agrees with it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from etl.synth.scenarios.lists import Line

CRITICAL = 0.25  # this far beyond a limit, as a share of the range, a value is critical


@dataclass(frozen=True, slots=True)
class Value:
    """One result as sent: `text` as received, the number in it where the whole text is one."""

    text: str
    number: str | None = None
    comparator: str | None = None
    flag: str | None = None


def draw_values(rng: random.Random, component: Line) -> tuple[Value, ...]:
    """The results of one component: one, or one for each organism of a culture."""
    if component["words"]:
        words = rng.choice(component["words"].split("|")).split(";")
        return tuple(Value(word, flag=_flag_of_word(component, word)) for word in words)
    if component["value_type"] == "Structured Numeric":
        return (_structured(rng, component),)
    return (measure(rng, component),)


def _flag_of_word(component: Line, word: str) -> str:
    usual = component["words"].split("|")[0]
    return "Normal" if word == usual else "Abnormal"


def _structured(rng: random.Random, component: Line) -> Value:
    """A number with a comparator where it lies outside of what can be measured."""
    least, most = component["seen_low"], component["seen_high"]
    draw = rng.random()
    if draw < 0.5:
        return Value(least, least[1:], least[0], flag="Normal")
    if draw < 0.55:
        return Value(most, most[1:], most[0], flag="Critically High")
    number = rng.randint(int(least[1:]) + 1, 400)
    return Value(str(number), str(number), flag=_flag(Decimal(number), component))


def measure(rng: random.Random, component: Line) -> Value:
    """A number around the range; two of three lie within it."""
    low, high = float(component["low"]), float(component["high"])
    if rng.random() > 2 / 3:
        low, high = float(component["seen_low"]), float(component["seen_high"])
    number = Decimal(f"{rng.uniform(low, high):.{component['digits']}f}")
    return Value(str(number), str(number), flag=_flag(number, component))


def _flag(number: Decimal, component: Line) -> str:
    """How a number lies to its range."""
    low, high = Decimal(component["low"] or 0), Decimal(component["high"])
    margin = (high - low) * Decimal(CRITICAL)
    if number < low:
        return "Critically Low" if number < low - margin else "Low"
    if number > high:
        return "Critically High" if number > high + margin else "High"
    return "Normal"
