"""Reads many texts of one form at once: bytes of equal length in, numbers out, in numpy.

The arithmetic and the calendar live here; which text has which form, nulls and rules do not. What
is not read here (not of the form, impossible, a leap second) is left to `times.read_time`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from etl.check.text_columns import Bytes, Flags, Integers
from etl.check.time_forms import TimeForm, TimeRule, form_of_shape, in_order
from etl.check.times import IMPLAUSIBLE_DATE, LARGEST_OFFSET_HOURS
from models.catalog.records import Temporal

Floats = NDArray[np.float32]

# Rows read at once: small enough for the processor's cache, and for the matrix product to stay on
# this thread (other cores belong to other workers).
BLOCK_ROWS: Final = 2048

SECONDS_OF_DAY: Final = 86_400
MICROS_OF_SECOND: Final = 1_000_000
MICROS_OF_DAY: Final = SECONDS_OF_DAY * MICROS_OF_SECOND
_MONTH_KEYS_OF_YEAR = 20  # months 00 to 19 can be written with an allowed first digit
_EPOCH_ORDINAL = 719_163  # date(1970, 1, 1).toordinal()
_FIRST_DAY = 1 - _EPOCH_ORDINAL  # 0001-01-01, in days since 1970
_LAST_DAY = 3_652_059 - _EPOCH_ORDINAL  # 9999-12-31
_IMPLAUSIBLE_DAY = IMPLAUSIBLE_DATE.toordinal() - _EPOCH_ORDINAL
_PLAUSIBLE_START = _FIRST_DAY + 365  # the years 1 and 9999 have 365 days
_PLAUSIBLE_STOP = _LAST_DAY + 1 - 365

# The numbers of a text, as columns of one matrix product: each digit has a weight in one of them.
# float32 is exact for them (all below 2 ** 24).
_MONTH_KEY, _DAY, _SECOND, _MICROS, _OFFSET = range(5)
_WEIGHTS = {
    "year": (_MONTH_KEY, (1000, 100, 10, 1), _MONTH_KEYS_OF_YEAR),
    "month": (_MONTH_KEY, (10, 1), 1),
    "day": (_DAY, (10, 1), 1),
    "hour": (_SECOND, (10, 1), 3600),
    "minute": (_SECOND, (10, 1), 60),
    "second": (_SECOND, (10, 1), 1),
    "fraction": (_MICROS, (100_000, 10_000, 1000, 100, 10, 1), 1),
    "offset_hours": (_OFFSET, (10, 1), 3600),
    "offset_minutes": (_OFFSET, (10, 1), 60),
}
# The largest first digit, where it alone tells an impossible number of two digits.
_LARGEST_TENS = {"month": 1, "minute": 5, "second": 5, "offset_minutes": 5}


@dataclass(frozen=True, slots=True)
class Layout:
    """A form made ready for numpy: one block of expected bytes and limits, weights per digit.

    `constants` stand for units that are not stated. `rules` belong to every text of the form,
    `implausible_rules` to those with an implausible date.
    """

    length: int
    temporal: Temporal
    zeros: Bytes
    limits: Bytes
    weights: Floats
    constants: Floats
    offset_sign: int
    earliest_month_key: int
    latest_month_key: int
    rules: tuple[TimeRule, ...]
    implausible_rules: tuple[TimeRule, ...]


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """Values of one block: days (Date) or microseconds (DateTime) since 1970.

    `values` holds anything where `is_read` is False; `is_implausible` is set only where read.
    """

    values: Integers
    is_read: Flags
    is_implausible: Flags


@lru_cache(maxsize=256)
def layout_of_shape(shape: str, temporal: Temporal) -> Layout | None:
    """Make the layout of a shape (every digit a 0); None when it is no form or not ASCII."""
    form = form_of_shape(shape)
    if form is None or not shape.isascii():
        return None
    expected = np.frombuffer(shape.encode(), np.uint8)
    rules = form.rules[temporal]
    return Layout(
        length=len(shape),
        temporal=temporal,
        zeros=np.tile(expected, BLOCK_ROWS),
        limits=np.tile(_digit_limits(expected, form), BLOCK_ROWS),
        weights=_digit_weights(form),
        constants=_constants(form),
        offset_sign=form.offset_sign,
        earliest_month_key=form.earliest_year * _MONTH_KEYS_OF_YEAR,
        latest_month_key=(form.latest_year + 1) * _MONTH_KEYS_OF_YEAR - 1,
        rules=rules,
        implausible_rules=in_order({*rules, TimeRule.IMPLAUSIBLE}),
    )


def has_layout(texts: Bytes, layout: Layout) -> bool:
    """True if all texts, one after another, have the layout; says nothing of the calendar."""
    for start in range(0, texts.size, layout.zeros.size):
        block = texts[start : start + layout.zeros.size]
        is_misfit = block - layout.zeros[: block.size] > layout.limits[: block.size]
        if np.count_nonzero(is_misfit):
            return False
    return True


def are_after_all_sentinels(moments: Integers, day: int) -> bool:
    """True if all moments lie after 1900-01-01 and before the year 9999: surely plausible.

    `moments` count from 1970; a day has `day` of their unit.
    """
    start = (_IMPLAUSIBLE_DAY + 1) * day
    span = _PLAUSIBLE_STOP * day - start
    return not np.count_nonzero((moments - start).view(np.uint64) >= span)


def read_block(texts: Bytes, layout: Layout) -> ReadBlock:
    """Read at most `BLOCK_ROWS` texts that stand one after another, each `layout.length` long."""
    month_key, day, second, micros, offset = _read_numbers(texts, layout)
    first_days, month_lengths = _calendar()
    is_read = (day - 1).view(np.uint64) < month_lengths[month_key]
    is_read &= second < SECONDS_OF_DAY
    days = first_days[month_key] + day
    is_odd = _is_implausible(days)
    if layout.earliest_month_key > _MONTH_KEYS_OF_YEAR:
        is_read &= month_key >= layout.earliest_month_key
        is_read &= month_key <= layout.latest_month_key
    if layout.offset_sign:
        is_read &= offset < (LARGEST_OFFSET_HOURS + 1) * 3600
        second -= layout.offset_sign * offset
    if layout.temporal is Temporal.DATE:
        return ReadBlock(days, is_read, is_odd)
    second += days * SECONDS_OF_DAY
    if layout.offset_sign:
        is_read &= second >= _FIRST_DAY * SECONDS_OF_DAY
        is_read &= second < (_LAST_DAY + 1) * SECONDS_OF_DAY
    second *= MICROS_OF_SECOND
    second += micros
    return ReadBlock(second, is_read, is_odd)


def _is_implausible(days: Integers) -> Flags:
    is_odd = (days - _PLAUSIBLE_START).view(np.uint64) >= _PLAUSIBLE_STOP - _PLAUSIBLE_START
    is_odd |= days == _IMPLAUSIBLE_DAY
    return is_odd


def _read_numbers(texts: Bytes, layout: Layout) -> Integers:
    """One row per number, one column per text; a text that is not of the layout is all zeros."""
    digits = texts - layout.zeros[: texts.size]
    is_misfit = digits > layout.limits[: texts.size]
    rows = digits.reshape(-1, layout.length)
    if np.count_nonzero(is_misfit):
        rows[is_misfit.reshape(-1, layout.length).any(axis=1)] = 0
    numbers = layout.weights @ rows.T.astype(np.float32)
    return (numbers + layout.constants).astype(np.int64)


@cache
def _calendar() -> tuple[Integers, NDArray[np.uint8]]:
    """The day before each month's first, in days since 1970, and the month's length, by month key.

    The month key is year * 20 + month; keys of no month have length 0.
    """
    months = np.arange("0001-01", "10000-02", dtype="datetime64[M]")
    starts = months.astype("datetime64[D]").astype(np.int64)
    first_days = np.zeros((10_000, _MONTH_KEYS_OF_YEAR), np.int64)
    lengths = np.zeros((10_000, _MONTH_KEYS_OF_YEAR), np.uint8)
    first_days[1:, 1:13] = starts[:-1].reshape(-1, 12) - 1
    lengths[1:, 1:13] = np.diff(starts).reshape(-1, 12)
    return first_days.ravel(), lengths.ravel()


def _digit_limits(expected: Bytes, form: TimeForm) -> Bytes:
    limits = np.where(expected == ord("0"), 9, 0).astype(np.uint8)
    for unit, largest in _LARGEST_TENS.items():
        span = form.spans.get(unit)
        if span is not None and span.stop - span.start == 2:
            limits[span.start] = largest
    return limits


def _digit_weights(form: TimeForm) -> Floats:
    weights = np.zeros((5, len(form.shape)), np.float32)
    for unit, span in form.spans.items():
        number, places, factor = _WEIGHTS[unit]
        count = min(span.stop - span.start, len(places))
        chosen = places[:count] if unit == "fraction" else places[-count:]
        weights[number, span.start : span.start + count] = np.array(chosen) * factor
    return weights


def _constants(form: TimeForm) -> Floats:
    """First month, first day; all zeros are still no text of the form when both are stated."""
    constants = np.zeros((5, 1), np.float32)
    constants[_MONTH_KEY] = "month" not in form.spans
    constants[_DAY] = "day" not in form.spans
    return constants
