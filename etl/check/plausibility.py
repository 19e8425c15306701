"""Compares values of one message that must fit each other: an end and its start, a birth and a death.

Only what is certainly wrong is found. A date without a time may mean any moment of its day in any
zone, the first of a month or year the whole of it where only that was known; both are taken at their
widest. Which columns are compared is compiled from the catalog (`models.compile.plausibility`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.check.times import IMPLAUSIBLE_DATE, IMPLAUSIBLE_YEARS
from models.catalog.records import Comparison
from models.compile.plausibility import Place, PlausibilityCheck

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Tables = Mapping[str, pa.Table]

DAY_US = 86_400_000_000
YEAR_US = round(365.2425 * DAY_US)
# A calendar date covers instants from its midnight at UTC+14 to its end at UTC-12.
EARLIEST_ZONE_US = 14 * 3_600_000_000
LATEST_ZONE_US = 12 * 3_600_000_000
LOWEST, HIGHEST = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)
_PLAIN_NUMBER = r"^\s*[-+]?\d{1,15}(\.\d{1,15})?\s*$"


@dataclass(frozen=True, slots=True)
class Implausible:
    """The values of one path that break one rule: keys of their rows, ascending."""

    rule: str
    path: str
    message_id: Integers
    ordinals: pa.ListArray


def check_plausibility(
    tables: Tables, checks: Iterable[PlausibilityCheck]
) -> Iterator[Implausible]:
    """Every rule and path with a violation in the rows of `tables`.

    `tables` are by qualified name with their key columns, rows in ascending order of their key;
    tables and columns that hold nothing may be missing. `checks` of one rule and path follow each
    other.
    """
    glance = _Glance(tables)
    for (rule, path), own in groupby(checks, key=lambda check: (check.rule, check.path)):
        same = [check for check in own if glance.may_find(check)]
        if not same:
            continue
        table = tables[same[0].left.table]
        rows = np.unique(np.concatenate([_violations(tables, table, check) for check in same]))
        if len(rows):
            yield Implausible(rule, path, *_keys(table, same[0].left.key, rows))


class _Glance:
    """Decides for whole tables where nothing can be wrong: the usual case.

    Each column is looked at once, as plain numbers, times as their first moment.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._numbers: dict[tuple[str, str, bool, bool], Numbers] = {}
        self._places: dict[tuple[str, str], Integers] = {}
        self._columns = {name: set(table.column_names) for name, table in tables.items()}

    def may_find(self, check: PlausibilityCheck) -> bool:
        """False where no row can break the rule, `when` and spans of time left aside."""
        if not all(self._has(place) for place in check.places()):
            return False
        is_above = check.comparison in (Comparison.ABOVE, Comparison.AFTER)
        is_time = check.comparison in (Comparison.AFTER, Comparison.BEFORE, Comparison.YEARS_BEFORE)
        ours = self._numbers_of(check.left, is_time, fill_low=is_above)
        theirs = self._numbers_of(check.right, is_time, fill_low=not is_above)
        if check.right.table != check.left.table:
            theirs = theirs[self._rows_of(check.left, check.right)]
        else:
            theirs = theirs[:-1]
        if is_above:
            return bool((ours[:-1] > theirs).any())
        if check.comparison is Comparison.YEARS_BEFORE:
            years_us = round((check.limit or 0.0) * YEAR_US)
            theirs = np.maximum(theirs, LOWEST + years_us) - years_us
        return bool((ours[:-1] < theirs).any())

    def _has(self, place: Place) -> bool:
        return place.column in self._columns.get(place.table, ())

    def _numbers_of(self, place: Place, is_time: bool, *, fill_low: bool) -> Numbers:
        """The column's numbers and one more: it and nulls are what breaks no rule."""
        key = (place.table, place.column, is_time, fill_low)
        if key not in self._numbers:
            column = _column(self._tables[place.table], place.column)
            self._numbers[key] = _filled(column, is_time=is_time, fill_low=fill_low)
        return self._numbers[key]

    def _rows_of(self, left: Place, other: Place) -> Integers:
        """The row of the other table for each row of the left one's, the last place where none is."""
        key = (left.table, other.table)
        if key not in self._places:
            table, held = self._tables[left.table], self._tables[other.table]
            rows, is_there = _find_rows(table, held, left, other, np.arange(len(table)))
            self._places[key] = np.where(is_there, rows, len(held))
        return self._places[key]


def _filled(column: pa.Array, *, is_time: bool, fill_low: bool) -> Numbers:
    if is_time:
        moments = _moments(column)
        edge = LOWEST if fill_low else HIGHEST
        if column.null_count:
            moments = np.where(np.asarray(column.is_null(), dtype=np.bool_), edge, moments)
        return np.append(moments, edge)
    numbers = _numbers(column)
    limit = -np.inf if fill_low else np.inf
    return np.append(np.where(np.isnan(numbers), limit, numbers), limit)


def _violations(tables: Tables, table: pa.Table, check: PlausibilityCheck) -> Integers:
    """The rows of the left value's table that break the rule."""
    filled = np.flatnonzero(np.asarray(pc.is_valid(_column(table, check.left.column))))
    right = _aligned(tables, table, check.left, check.right, filled)
    if right is None or right.null_count == len(right):
        return np.empty(0, dtype=np.int64)
    if check.when is not None:
        when = _aligned(tables, table, check.left, check.when, filled)
        if when is None:
            return np.empty(0, dtype=np.int64)
        chosen = np.asarray(pc.is_in(when, value_set=pa.array(check.when_values)))
        filled, right = filled[chosen], right.filter(pa.array(chosen))
    left = _column(table, check.left.column).take(pa.array(filled))
    return filled[_relates(left, right, check)]


def _aligned(
    tables: Tables, table: pa.Table, left: Place, other: Place, rows: Integers
) -> pa.Array | None:
    """The other value of each of `rows`, null where there is none; None where all are missing."""
    held = tables.get(other.table)
    if held is None or other.column not in held.column_names:
        return None
    column = _column(held, other.column)
    if other.table == left.table:
        return column.take(pa.array(rows))
    found, is_there = _find_rows(table, held, left, other, rows)
    return column.take(pa.array(found, mask=~is_there))


def _find_rows(
    table: pa.Table, held: pa.Table, left: Place, other: Place, rows: Integers
) -> tuple[Integers, Mask]:
    """The row of `held` that belongs to each of `rows` of `table`, and whether there is one."""
    depth = len(other.key)
    wanted, known = _codes(
        [np.asarray(table.column(name))[rows] for name in left.key[:depth]],
        [np.asarray(held.column(name)) for name in other.key],
    )
    if not len(known):
        return np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.bool_)
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known[order], wanted)
    place[place == len(known)] = 0
    found = order[place]
    return found, known[found] == wanted


def _codes(wanted: list[Integers], known: list[Integers]) -> tuple[Integers, Integers]:
    """One number per key, equal for equal keys of both sides."""
    codes = (np.zeros(len(wanted[0]), dtype=np.int64), np.zeros(len(known[0]), dtype=np.int64))
    for ours, theirs in zip(wanted, known, strict=True):
        _, parts = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
        step = int(parts.max(initial=0)) + 1
        codes = (codes[0] * step + parts[: len(ours)], codes[1] * step + parts[len(ours) :])
        _, parts = np.unique(np.concatenate(codes), return_inverse=True)
        codes = (parts[: len(ours)], parts[len(ours) :])
    return codes


def _relates(left: pa.Array, right: pa.Array, check: PlausibilityCheck) -> Mask:
    if check.comparison is Comparison.ABOVE:
        return np.greater(_numbers(left), _numbers(right))  # false where one is no number
    if check.comparison is Comparison.BELOW:
        return np.less(_numbers(left), _numbers(right))
    ours, theirs = _spans(left), _spans(right)
    is_known = ours.is_known & theirs.is_known
    if check.comparison is Comparison.AFTER:
        return is_known & _is_before(theirs, ours, 0)
    years = check.limit or 0.0
    least = round(years * YEAR_US) if check.comparison is Comparison.YEARS_BEFORE else 0
    return is_known & _is_before(ours, theirs, least)


def _moments(column: pa.Array) -> Integers:
    """Microseconds since 1970; a null may be anything, so it is 0."""
    is_date = pa.types.is_date(column.type)
    numbers = column.cast(pa.int32() if is_date else pa.int64())
    if numbers.null_count:
        numbers = pc.fill_null(numbers, 0)
    return np.asarray(numbers).astype(np.int64) * (DAY_US if is_date else 1)


@dataclass(frozen=True, slots=True)
class _Spans:
    """The first and last microsecond each time may mean; `is_date` where it states no time."""

    first: Integers
    last: Integers
    is_date: Mask
    is_known: Mask


def _is_before(ours: _Spans, theirs: _Spans, least: int) -> Mask:
    """True where the one certainly ends more than `least` microseconds before the other begins."""
    is_mixed = ours.is_date != theirs.is_date
    last = ours.last + np.where(is_mixed & ours.is_date, LATEST_ZONE_US, 0)
    first = theirs.first - np.where(is_mixed & theirs.is_date, EARLIEST_ZONE_US, 0)
    is_before: Mask = first - last > least
    return is_before


def _spans(column: pa.Array) -> _Spans:
    is_date_type = pa.types.is_date(column.type)
    moments = np.asarray(pc.fill_null(column.cast(pa.int32() if is_date_type else pa.int64()), 0))
    first = moments.astype(np.int64) * (DAY_US if is_date_type else 1)
    is_date = first % DAY_US == 0
    days = np.floor_divide(first, DAY_US).astype("datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    ends = np.where(days == months.astype("datetime64[D]"), _end(months), days + 1)
    ends = np.where(days == years.astype("datetime64[D]"), _end(years), ends)
    last = np.where(is_date, ends.astype(np.int64) * DAY_US - 1, first)
    is_known = np.asarray(pc.is_valid(column)) & ~_are_placeholders(days, years)
    return _Spans(first, last, is_date, is_known)


def _end(periods: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    return (periods + 1).astype("datetime64[D]")


def _are_placeholders(days: npt.NDArray[np.datetime64], years: npt.NDArray[np.datetime64]) -> Mask:
    """What `time_implausible` has found already; it says nothing of other values."""
    odd = np.array([year - 1970 for year in IMPLAUSIBLE_YEARS], dtype="datetime64[Y]")
    return np.isin(years, odd) | np.equal(days, np.datetime64(IMPLAUSIBLE_DATE))


def _numbers(column: pa.Array) -> npt.NDArray[np.float64]:
    """The numbers of a column, those of plain decimal texts included; NaN where there is none."""
    if pa.types.is_string(column.type):
        is_plain = pc.match_substring_regex(column, _PLAIN_NUMBER)
        column = pc.utf8_trim_whitespace(pc.if_else(is_plain, column, None))
        column = pc.utf8_ltrim(column, "+")
    return np.asarray(pc.fill_null(column.cast(pa.float64()), float("nan")))


def _keys(table: pa.Table, key: tuple[str, ...], rows: Integers) -> tuple[Integers, pa.ListArray]:
    """The message ids of rows, and their ordinals as INTEGER[]."""
    message_id = np.asarray(table.column(key[0]))[rows]
    depth = len(key) - 1
    offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int32) * depth)
    columns = [np.asarray(table.column(name))[rows] for name in key[1:]]
    ordinals = np.stack(columns, axis=1).ravel() if columns else np.empty(0)
    return message_id, pa.ListArray.from_arrays(offsets, pa.array(ordinals.astype(np.int32)))


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
