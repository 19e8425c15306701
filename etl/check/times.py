"""Reads one received date or time text exactly: the reference for what every form means.

Which forms exist is said in `time_forms`; whole columns are read in `temporal_columns`. What
becomes of a value is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from etl.check.time_forms import (
    MICROSECOND_DIGITS,
    Precision,
    TimeForm,
    TimeRule,
    find_form,
    in_order,
)
from models.catalog.records import Temporal


@dataclass(frozen=True, slots=True)
class ReadTime:
    """What one text says.

    `value` is a UTC datetime for DateTime, a date for Date, None for an empty or impossible text.
    `rules` are in the order of `TimeRule`; none, or `time_implausible` alone, means that the value
    printed canonically is the text. `precision` is that of the value.
    """

    value: datetime | date | None
    rules: tuple[TimeRule, ...]
    precision: Precision | None


EMPTY: Final = ReadTime(None, (), None)
IMPOSSIBLE: Final = ReadTime(None, (TimeRule.IMPOSSIBLE,), None)

# Values that systems send for "not known"; kept, and flagged by the date as written.
IMPLAUSIBLE_YEARS: Final = frozenset({1, 9999})
IMPLAUSIBLE_DATE: Final = date(1900, 1, 1)

# No zone was ever 16 hours away from UTC (tz database: Alaska +15:02, Manila -15:56).
LARGEST_OFFSET_HOURS: Final = 15


def read_time(text: str, temporal: Temporal) -> ReadTime:
    """Read one received text as a Date or a DateTime; what cannot be read has no value.

    The empty text is not populated and breaks no rule. A text without a zone is UTC, because the
    API says so; one without a time is midnight UTC, one without a day the start of its period. On
    a Date the calendar date counts as written, whatever the zone.
    """
    if not text:
        return EMPTY
    form = find_form(text)
    if form is None:
        return IMPOSSIBLE
    try:
        return _read_form(text, form, temporal)
    except (ValueError, OverflowError):  # no such day, hour, offset or year
        return IMPOSSIBLE


def _read_form(text: str, form: TimeForm, temporal: Temporal) -> ReadTime:
    stated = {unit: text[span] for unit, span in form.spans.items()}
    written = date(int(stated["year"]), int(stated.get("month", 1)), int(stated.get("day", 1)))
    if not form.earliest_year <= written.year <= form.latest_year:
        return IMPOSSIBLE
    clock, since_clock = _clock(stated), _since_clock(stated, form.offset_sign)
    value = (
        written
        if temporal is Temporal.DATE
        else datetime.combine(written, clock, UTC) + since_clock
    )
    rules = form.rules[temporal]
    if extra := _rules_of_digits(written, stated, temporal):
        rules = in_order({*rules, *extra})
    return ReadTime(value, rules, form.precision[temporal])


def _clock(stated: dict[str, str]) -> time:
    hour = 0 if _ends_day(stated) else int(stated.get("hour", 0))
    return time(hour, int(stated.get("minute", 0)))


def _ends_day(stated: dict[str, str]) -> bool:
    """True for 24:00:00, the midnight that the next day begins with (ISO 8601)."""
    later = (stated.get(unit, "0") for unit in ("minute", "second", "fraction"))
    return stated.get("hour") == "24" and not any(map(int, later))


def _since_clock(stated: dict[str, str], offset_sign: int) -> timedelta:
    """From the stated hour and minute to the UTC instant; digits past microseconds are cut."""
    second = int(stated.get("second", 0))
    hours, minutes = int(stated.get("offset_hours", 0)), int(stated.get("offset_minutes", 0))
    fraction = stated.get("fraction", "")[:MICROSECOND_DIGITS].ljust(MICROSECOND_DIGITS, "0")
    if second > 60 or hours > LARGEST_OFFSET_HOURS or minutes > 59:
        raise ValueError("no such second or offset")
    return timedelta(
        days=1 if _ends_day(stated) else 0,
        seconds=second - offset_sign * (hours * 3600 + minutes * 60),
        microseconds=int(fraction),
    )


def _rules_of_digits(written: date, stated: dict[str, str], temporal: Temporal) -> set[TimeRule]:
    """The rules that hang on what the digits say, not on the form."""
    rules = set()
    if written.year in IMPLAUSIBLE_YEARS or written == IMPLAUSIBLE_DATE:
        rules.add(TimeRule.IMPLAUSIBLE)
    if temporal is Temporal.DATETIME:
        if stated.get("second") == "60":
            rules.add(TimeRule.LEAP_SECOND)
        if _ends_day(stated):
            rules.add(TimeRule.END_OF_DAY)
    return rules
