"""JSON text to values, exactly: every member of every object, every number as a decimal.

Part of the slow reference, the proof of everything else: standard library only, imports nothing of
the project. What is strict here: UTF-8, no NaN or Infinity, nothing after the value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Object:
    """A JSON object with all its members in order, repeated keys included."""

    pairs: tuple[tuple[str, Value], ...]

    @property
    def members(self) -> dict[str, Value]:
        """The members by key; of a repeated key the last counts."""
        return dict(self.pairs)

    def get(self, *keys: str) -> Value:
        """The value below a chain of keys; None where it ends early."""
        value: Value = self
        for key in keys:
            value = value.members.get(key) if isinstance(value, Object) else None
        return value


@dataclass(frozen=True)
class Number:
    """A JSON number: its spelling and its exact value."""

    text: str

    @property
    def value(self) -> Decimal:
        return Decimal(self.text)


Value: TypeAlias = "Object | list[Any] | str | Number | bool | None"


class NotJson(ValueError):
    """The bytes are no JSON text. Says nothing of what they hold."""


def _refuse(_: str) -> Any:
    raise ValueError


_DECODER = json.JSONDecoder(
    object_pairs_hook=lambda pairs: Object(tuple(pairs)),
    parse_float=Number,
    parse_int=Number,
    parse_constant=_refuse,
)
_BLANKS = " \t\r\n"


def parse(data: bytes) -> Value:
    """The one value of a JSON text; raises NotJson."""
    values = list(parse_run(data))
    if len(values) != 1:
        raise NotJson
    return values[0]


def parse_run(data: bytes) -> Iterator[Value]:
    """All values of a run of JSON texts, one after the other; raises NotJson where it breaks."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotJson from None
    place = _skip_blanks(text, 0)
    while place < len(text):
        try:
            value, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            raise NotJson from None
        yield value
        place = _skip_blanks(text, place)


def _skip_blanks(text: str, place: int) -> int:
    while place < len(text) and text[place] in _BLANKS:
        place += 1
    return place


def canonical(value: Value) -> str:
    """One spelling for equal JSON values: keys sorted, exact numbers, no white space or escapes.

    A repeated key keeps all its values in their order, so two texts have one spelling only when
    every object has the same members.
    """
    if isinstance(value, Object):
        members = sorted(value.pairs, key=itemgetter(0))  # stable: a key's values stay in order
        inner = ",".join(f"{json.dumps(key)}:{canonical(member)}" for key, member in members)
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, Number):
        return canonical_number(value.text)
    return json.dumps(value)


def canonical_number(text: str) -> str:
    """One spelling for equal numbers, digits and a power of ten: 1.10, 1.1 and 11e-1 become 11e-1.

    By digits alone: no arithmetic that would round, no exponent too large.
    """
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "0"
    power = int(exponent or 0) - len(fraction) + len(digits) - len(significant)
    return f"{'-' if mantissa.startswith('-') else ''}{significant}e{power}"


def plain(number: Decimal) -> str:
    """The canonical spelling of a decimal."""
    return canonical_number(f"{number:f}")
