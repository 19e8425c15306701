"""The accepted forms of dates and times, and the rules each form breaks.

A form is known by its *shape*: the text with every digit written as 0. What the digits say is
read elsewhere: one text in `times`, whole columns in `time_layouts`.

Redox promises UTC and two forms, `YYYY-MM-DD` and `YYYY-MM-DDThh:mm:ss.sssZ`
(developer.redoxengine.com/technical-considerations/datetime-values-and-time-zones). Every other
accepted form has a rule for each way in which it differs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from models.catalog.records import Temporal


class TimeRule(StrEnum):
    """Codes of the rules about dates and times; the catalog's rules.csv says what they mean.

    Rules of one value are always given in this order.
    """

    SURROUNDING_SPACE = "time_surrounding_space"
    TRAILING_NUL = "time_trailing_nul"
    COMPACT_HL7 = "time_compact_hl7"
    UNPADDED = "time_unpadded"
    YEAR = "time_year"
    YEAR_MONTH = "time_year_month"
    DATE_ONLY = "time_date_only"
    DATETIME_ON_DATE = "time_datetime_on_date"
    BLANK_FOR_T = "time_blank_for_t"
    LETTER_CASE = "time_letter_case"
    COLON_BEFORE_MS = "time_colon_before_ms"
    DECIMAL_COMMA = "time_decimal_comma"
    NO_MILLISECONDS = "time_no_milliseconds"
    PRECISION = "time_precision"
    ZONE_WORD = "time_zone_word"
    NO_ZONE = "time_no_zone"
    OFFSET_CONVERTED = "time_offset_converted"
    LEAP_SECOND = "time_leap_second"
    END_OF_DAY = "time_end_of_day"
    IMPLAUSIBLE = "time_implausible"
    IMPOSSIBLE = "time_impossible"


class Precision(StrEnum):
    """The smallest unit a text states; digits past microseconds count as microseconds."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"
    MILLISECOND = "millisecond"
    MICROSECOND = "microsecond"


@dataclass(frozen=True, slots=True)
class TimeForm:
    """Where a shape states what: `spans` maps a unit to the place of its digits.

    Units are year, month, day, hour, minute, second, fraction, offset_hours, offset_minutes; those
    not stated are missing. `offset_sign` is 1 east and -1 west of UTC, 0 without an offset. Texts
    of an earlier year than `earliest_year` or a later one than `latest_year` are not of this form.
    """

    shape: str
    spans: Mapping[str, slice]
    offset_sign: int
    earliest_year: int
    latest_year: int
    rules: Mapping[Temporal, tuple[TimeRule, ...]]
    precision: Mapping[Temporal, Precision]


# Without separators 6, 10 and 12 digits may also be YYMMDD, epoch seconds or YYMMDDhhmmss, which
# read as years long past or far ahead: those are nonsense rather than a wrong date.
AMBIGUOUS_DIGITS: Final = frozenset({6, 10, 12})
EARLIEST_AMBIGUOUS_YEAR: Final = 1900
LATEST_AMBIGUOUS_YEAR: Final = 2100
LATEST_YEAR: Final = 9999

MILLISECOND_DIGITS: Final = 3
MICROSECOND_DIGITS: Final = 6
LONGEST_TEXT: Final = 64  # a form has about 30 characters

_DIGITS_AS_ZERO = str.maketrans("123456789", "000000000")
_ZONE = r"(?:(?P<zulu>[Zz])|(?P<word> ?UTC)|(?P<sign>[+-])(?P<offset_hours>00)(?::?(?P<offset_minutes>00))?)?"
_FRACTION = r"(?P<point>[.,]|:(?=000(?!0)))(?P<fraction>0+)"
_SEPARATED = re.compile(
    r"\s*(?P<year>0000)(?:-(?P<month>00?)(?:-(?P<day>00?)"
    rf"(?:(?P<mark>[Tt ])(?P<hour>00?)(?::(?P<minute>00)(?::(?P<second>00)(?:{_FRACTION})?)?)?"
    rf"{_ZONE})?)?)?[\s\0]*"
)
_COMPACT = re.compile(
    r"\s*(?P<year>0000)(?P<month>00)(?:(?P<day>00)"
    r"(?:(?P<mark>[Tt])?(?P<hour>00)(?:(?P<minute>00)(?:(?P<second>00)"
    rf"(?:(?P<point>[.,])(?P<fraction>0+))?)?)?{_ZONE})?)?[\s\0]*"
)
_UNITS_OF_DATE = ("day", "month", "year")
_UNITS_OF_CLOCK = ("second", "minute", "hour")
_UNITS = (*_UNITS_OF_DATE, *_UNITS_OF_CLOCK, "fraction", "offset_hours", "offset_minutes")
_RULE_PLACES = {rule: place for place, rule in enumerate(TimeRule)}


def find_form(text: str) -> TimeForm | None:
    """Find the form of a received text by its shape; None when it has no accepted form."""
    return form_of_shape(shape_of(text)) if len(text) <= LONGEST_TEXT else None


def shape_of(text: str) -> str:
    """Write every digit of a text as 0."""
    return text.translate(_DIGITS_AS_ZERO)


@lru_cache(maxsize=1024)
def form_of_shape(shape: str) -> TimeForm | None:
    """Describe the form of a shape (every digit a 0); None when no form looks so."""
    match = _SEPARATED.fullmatch(shape) or _COMPACT.fullmatch(shape)
    if match is None:
        return None
    sign = match["sign"]
    return TimeForm(
        shape=shape,
        spans={unit: slice(*match.span(unit)) for unit in _UNITS if match[unit]},
        offset_sign=0 if sign is None else 1 if sign == "+" else -1,
        earliest_year=EARLIEST_AMBIGUOUS_YEAR if _is_ambiguous(shape) else 1,
        latest_year=LATEST_AMBIGUOUS_YEAR if _is_ambiguous(shape) else LATEST_YEAR,
        rules={temporal: in_order(_rules(match, temporal)) for temporal in Temporal},
        precision={temporal: _precision(match, temporal) for temporal in Temporal},
    )


def in_order(rules: set[TimeRule]) -> tuple[TimeRule, ...]:
    """Sort the rules of one value into the order of `TimeRule`."""
    return tuple(sorted(rules, key=_RULE_PLACES.__getitem__))


def _is_ambiguous(shape: str) -> bool:
    bare = shape.replace("\0", "").strip()
    return bare.isdigit() and len(bare) in AMBIGUOUS_DIGITS


def _rules(match: re.Match[str], temporal: Temporal) -> set[TimeRule]:
    rules = _date_rules(match)
    if match["hour"] is None:
        is_date_only = temporal is Temporal.DATETIME and match["day"] is not None
        return rules | ({TimeRule.DATE_ONLY} if is_date_only else set())
    if temporal is Temporal.DATE:
        return rules | {TimeRule.DATETIME_ON_DATE}
    return rules | _clock_rules(match)


def _date_rules(match: re.Match[str]) -> set[TimeRule]:
    text = match[0].replace("\0", "")
    is_broken = {
        TimeRule.SURROUNDING_SPACE: text != text.strip(),
        TimeRule.TRAILING_NUL: text != match[0],
        TimeRule.COMPACT_HL7: match.re is _COMPACT,
        TimeRule.UNPADDED: match["month"] == "0" or match["day"] == "0",
        TimeRule.YEAR: match["month"] is None,
        TimeRule.YEAR_MONTH: match["month"] is not None and match["day"] is None,
    }
    return {rule for rule, broken in is_broken.items() if broken}


def _clock_rules(match: re.Match[str]) -> set[TimeRule]:
    digits = len(match["fraction"] or "")
    is_broken = {
        TimeRule.UNPADDED: match["hour"] == "0",
        TimeRule.BLANK_FOR_T: match["mark"] == " ",
        TimeRule.LETTER_CASE: match["mark"] == "t" or match["zulu"] == "z",
        TimeRule.COLON_BEFORE_MS: match["point"] == ":",
        TimeRule.DECIMAL_COMMA: match["point"] == ",",
        TimeRule.ZONE_WORD: match["word"] is not None,
        TimeRule.NO_MILLISECONDS: digits <= MICROSECOND_DIGITS and digits != MILLISECOND_DIGITS,
        TimeRule.PRECISION: digits > MICROSECOND_DIGITS,
        TimeRule.NO_ZONE: not (match["zulu"] or match["sign"] or match["word"]),
        TimeRule.OFFSET_CONVERTED: match["sign"] is not None,
    }
    return {rule for rule, broken in is_broken.items() if broken}


def _precision(match: re.Match[str], temporal: Temporal) -> Precision:
    digits = len(match["fraction"] or "")
    if digits and temporal is Temporal.DATETIME:
        is_coarse = digits <= MILLISECOND_DIGITS
        return Precision.MILLISECOND if is_coarse else Precision.MICROSECOND
    units = _UNITS_OF_CLOCK if temporal is Temporal.DATETIME else ()
    return Precision(next(unit for unit in (*units, *_UNITS_OF_DATE) if match[unit]))
