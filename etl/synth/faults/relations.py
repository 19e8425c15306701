"""Rules between the values of one message, read from its payload: which pairs exist, which break.

The slow, plain counterpart of `etl.check.plausibility`, written from the words of plausibility.csv:
it knows neither tables nor columns. Planting such faults is `contradictions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from etl.synth.faults.spots import Place
from models.catalog.path_patterns import ValuePaths
from models.catalog.records import Catalog, Comparison, Field, JsonType

DAY = timedelta(days=1)
YEAR = timedelta(days=365.2425)
# A calendar date begins at UTC+14 and ends at UTC-12.
FIRST_ZONE, LAST_ZONE = timedelta(hours=14), timedelta(hours=12)
PLACEHOLDERS = ("0001-", "9999-", "1900-01-01")
_PLAIN_NUMBER = re.compile(r"\s*[-+]?\d{1,15}(\.\d{1,15})?\s*")
_TIMES = (Comparison.BEFORE, Comparison.AFTER, Comparison.YEARS_BEFORE)


@dataclass(frozen=True, slots=True)
class Relation:
    """One line of plausibility.csv between the fields of a data model; `when` is the flag's."""

    rule: str
    comparison: Comparison
    left: Field
    right: Field
    limit: float
    when: Field | None
    when_values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a payload: `holder[key]`, its address, the ordinals of its arrays."""

    holder: Any
    key: str
    place: Place
    ordinals: tuple[int, ...]

    def read(self) -> Any:
        return self.holder[self.key]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two values of one message that a relation compares, and the flag that it depends on."""

    relation: Relation
    left: Value
    right: Value
    when: Value | None


def relations_of(catalog: Catalog, data_model: str) -> tuple[Relation, ...]:
    """Every line of plausibility.csv for every pair of listed paths it speaks of."""
    fields = {field.path: field for field in catalog.fields[data_model]}
    values = ValuePaths(fields.values())
    lines = [line for line in catalog.plausibility if line.data_model in ("*", data_model)]
    return tuple(
        Relation(
            line.rule, line.comparison, fields[left], fields[right],
            line.limit or 0.0, fields[when] if when else None, line.when_values,
        )
        for line in lines
        for left, right, when in values.find(line.path, line.other_path, line.when_path)
    )  # fmt: skip


def pairs_in(payload: Any, relations: tuple[Relation, ...]) -> Iterator[Pair]:
    """Every pair of populated values that a relation compares: both in the same array elements."""
    known = {
        field.path: list(_values(payload, field.path.split(".")))
        for relation in relations
        for field in (relation.left, relation.right, relation.when)
        if field is not None
    }
    for relation in relations:
        for left in known[relation.left.path]:
            right = _beside(left, known[relation.right.path])
            when = None
            if relation.when is not None:
                when = _beside(left, known[relation.when.path])
            if right is not None and (when is None) == (relation.when is None):
                yield Pair(relation, left, right, when)


def _values(holder: Any, names: list[str], at: Value | None = None) -> Iterator[Value]:
    """The values at a path, each in the listed shape of its containers."""
    place, ordinals = (at.place, at.ordinals) if at else ((), ())
    name = names[0].removesuffix("[]")
    if not isinstance(holder, dict) or holder.get(name) in (None, ""):
        return
    here = Value(holder, name, (*place, name), ordinals)
    if len(names) == 1:
        yield here
    elif names[0].endswith("[]"):
        held = holder[name]
        for index, element in enumerate(held if isinstance(held, list) else [held]):
            inner = Value(holder, name, (*here.place, index), (*ordinals, index + 1))
            yield from _values(element, names[1:], inner)
    else:
        held = holder[name]
        is_one = isinstance(held, list) and len(held) == 1
        yield from _values(held[0] if is_one else held, names[1:], here)


def _beside(left: Value, others: list[Value]) -> Value | None:
    """The one of `others` whose array elements are those around `left`."""
    return next(
        (other for other in others if other.ordinals == left.ordinals[: len(other.ordinals)]), None
    )


def is_broken(pair: Pair, meant: Mapping[Place, Any]) -> bool:
    """True if the two values certainly contradict each other.

    `meant` has what a value that is spelled in an odd way is stored as, by its place; None where
    nothing that can be compared is stored.
    """
    relation = pair.relation
    if pair.when is not None and _stored(pair.when, meant) not in relation.when_values:
        return False
    left, right = _stored(pair.left, meant), _stored(pair.right, meant)
    if relation.comparison in _TIMES:
        return _contradict_in_time(left, right, relation)
    ours, theirs = _number(left, relation.left), _number(right, relation.right)
    if ours is None or theirs is None:
        return False
    return ours > theirs if relation.comparison is Comparison.ABOVE else ours < theirs


def _stored(value: Value, meant: Mapping[Place, Any]) -> Any:
    return meant.get(value.place, value.read())


def _number(value: Any, field: Field) -> float | None:
    if isinstance(value, str):
        return float(value) if _PLAIN_NUMBER.fullmatch(value) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = str(value)
    if is_number and field.json_type is not JsonType.NUMBER and not _PLAIN_NUMBER.fullmatch(text):
        return None
    return float(value) if is_number else None


def _contradict_in_time(left: Any, right: Any, relation: Relation) -> bool:
    if not (_is_time(left) and _is_time(right)):
        return False
    if relation.comparison is Comparison.AFTER:
        left, right = right, left
    return _certainly_between(left, right) > relation.limit * YEAR


def _is_time(text: Any) -> bool:
    return isinstance(text, str) and text[:1].isdigit() and not text.startswith(PLACEHOLDERS)


def _certainly_between(earlier: str, later: str) -> timedelta:
    """The time from the last moment that one text may mean to the first of the other."""
    ours, theirs = _moment(earlier), _moment(later)
    last = _end(ours) if _is_day(ours) else ours
    if _is_day(ours) and not _is_day(theirs):
        last += LAST_ZONE
    if _is_day(theirs) and not _is_day(ours):
        theirs -= FIRST_ZONE
    return theirs - last


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_day(moment: datetime) -> bool:
    """True for a midnight: it may be a bare date, the first of a month or year all of it."""
    return not (moment.hour or moment.minute or moment.second or moment.microsecond)


def _end(first: datetime) -> datetime:
    day = first.date()
    if (day.month, day.day) == (1, 1):
        last = date(day.year, 12, 31)
    elif day.day == 1:
        last = (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
    else:
        last = day
    return datetime(last.year, last.month, last.day, tzinfo=UTC) + DAY - timedelta(microseconds=1)
