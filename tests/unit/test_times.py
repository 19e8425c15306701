"""The reading of one date or time text: a table of cases, and the same instant from any form."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.check.time_forms import Precision, TimeRule
from etl.check.times import EMPTY, IMPOSSIBLE, ReadTime, read_time
from models.catalog.records import Temporal


@pytest.fixture(params=["UTC", "America/New_York"], autouse=True)
def local_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine's zone, which must never matter."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


# text, instant printed by Python, rules without the prefix, precision
INSTANTS = [
    ("2016-09-22T10:20:30.000Z", "2016-09-22T10:20:30", "", "millisecond"),
    ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999000", "", "millisecond"),
    ("1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00", "", "millisecond"),
    ("2000-02-29T00:00:00.000Z", "2000-02-29T00:00:00", "", "millisecond"),
    ("0002-01-01T00:00:00.000Z", "0002-01-01T00:00:00", "", "millisecond"),
    ("9998-12-31T23:59:59.999Z", "9998-12-31T23:59:59.999000", "", "millisecond"),
    # the hour that New York skips, and the one it has twice, are plain hours of UTC
    ("2023-03-12T02:30:00.000Z", "2023-03-12T02:30:00", "", "millisecond"),
    ("2023-11-05T01:30:00.000Z", "2023-11-05T01:30:00", "", "millisecond"),
    ("2023-03-12T02:30:00.000", "2023-03-12T02:30:00", "no_zone", "millisecond"),
    ("2023-03-12T02:30:00.000-05:00", "2023-03-12T07:30:00", "offset_converted", "millisecond"),
    # fractions
    ("2018-01-01T00:00:01Z", "2018-01-01T00:00:01", "no_milliseconds", "second"),
    ("2018-01-01T00:00:01.5Z", "2018-01-01T00:00:01.500000", "no_milliseconds", "millisecond"),
    ("2018-01-01T00:00:01.05Z", "2018-01-01T00:00:01.050000", "no_milliseconds", "millisecond"),
    ("2018-01-01T00:00:01.0001Z", "2018-01-01T00:00:01.000100", "no_milliseconds", "microsecond"),
    ("2018-01-01T00:00:01.12345Z", "2018-01-01T00:00:01.123450", "no_milliseconds", "microsecond"),
    ("2018-01-01T00:00:01.123456Z", "2018-01-01T00:00:01.123456", "no_milliseconds", "microsecond"),
    ("2018-01-01T00:00:01.1234569Z", "2018-01-01T00:00:01.123456", "precision", "microsecond"),
    ("2018-01-01T00:00:01.999999999Z", "2018-01-01T00:00:01.999999", "precision", "microsecond"),
    ("2018-01-01T00:01Z", "2018-01-01T00:01:00", "no_milliseconds", "minute"),
    ("2018-01-01T07Z", "2018-01-01T07:00:00", "no_milliseconds", "hour"),
    ("2018-01-01T00:00:01,500Z", "2018-01-01T00:00:01.500000", "decimal_comma", "millisecond"),
    # the end of a day, and what stands behind a time
    ("2018-12-31T24:00:00.000Z", "2019-01-01T00:00:00", "end_of_day", "millisecond"),
    ("2018-01-01T00:00:01.000Z\x00", "2018-01-01T00:00:01", "trailing_nul", "millisecond"),
    ("2018-01-01T00:00:01.000 UTC", "2018-01-01T00:00:01", "zone_word", "millisecond"),
    ("2018-01-01T00:00:01.000UTC", "2018-01-01T00:00:01", "zone_word", "millisecond"),
    # zones
    ("2016-10-05T14:30:00.000+02:00", "2016-10-05T12:30:00", "offset_converted", "millisecond"),
    ("2016-10-05T14:30:00.000-0400", "2016-10-05T18:30:00", "offset_converted", "millisecond"),
    ("2016-10-05T14:30:00.000-04", "2016-10-05T18:30:00", "offset_converted", "millisecond"),
    ("2016-10-05T14:30:00.000+05:45", "2016-10-05T08:45:00", "offset_converted", "millisecond"),
    ("2016-10-05T14:30:00.000+00:00", "2016-10-05T14:30:00", "offset_converted", "millisecond"),
    ("2016-10-05T14:30:00.000-00:00", "2016-10-05T14:30:00", "offset_converted", "millisecond"),
    ("2016-10-05T23:30:00.000-01:00", "2016-10-06T00:30:00", "offset_converted", "millisecond"),
    ("2016-12-31T20:00:00.000-05:00", "2017-01-01T01:00:00", "offset_converted", "millisecond"),
    ("2017-01-01T03:00:00.000+05:00", "2016-12-31T22:00:00", "offset_converted", "millisecond"),
    ("2020-02-28T20:00:00.000-05:00", "2020-02-29T01:00:00", "offset_converted", "millisecond"),
    ("2019-02-28T20:00:00.000-05:00", "2019-03-01T01:00:00", "offset_converted", "millisecond"),
    (
        "2016-10-05T14:30:00-0400",
        "2016-10-05T18:30:00",
        "no_milliseconds offset_converted",
        "second",
    ),
    ("2016-10-05T14:30:00", "2016-10-05T14:30:00", "no_milliseconds no_zone", "second"),
    # letters, blanks, colons, padding, spaces
    ("2016-10-05t14:30:00.000z", "2016-10-05T14:30:00", "letter_case", "millisecond"),
    ("2016-10-05T14:30:00.000z", "2016-10-05T14:30:00", "letter_case", "millisecond"),
    ("2016-08-01 14:00:00Z", "2016-08-01T14:00:00", "blank_for_t no_milliseconds", "second"),
    ("2016-08-01 14:00", "2016-08-01T14:00:00", "blank_for_t no_milliseconds no_zone", "minute"),
    ("2005-07-02T04:00:00:000Z", "2005-07-02T04:00:00", "colon_before_ms", "millisecond"),
    ("2005-07-02T04:00:00:123Z", "2005-07-02T04:00:00.123000", "colon_before_ms", "millisecond"),
    ("2016-10-5", "2016-10-05T00:00:00", "unpadded date_only", "day"),
    ("2016-1-05T04:00:00.000Z", "2016-01-05T04:00:00", "unpadded", "millisecond"),
    ("2016-10-05T4:00:00.000Z", "2016-10-05T04:00:00", "unpadded", "millisecond"),
    (" 2016-10-05T14:30:00.000Z", "2016-10-05T14:30:00", "surrounding_space", "millisecond"),
    ("2016-10-05\t\n", "2016-10-05T00:00:00", "surrounding_space date_only", "day"),
    ("\u00a02016-10-05", "2016-10-05T00:00:00", "surrounding_space date_only", "day"),
    # less than a time
    ("2016-10-05", "2016-10-05T00:00:00", "date_only", "day"),
    ("2016-10", "2016-10-01T00:00:00", "year_month", "month"),
    ("2016-5", "2016-05-01T00:00:00", "unpadded year_month", "month"),
    ("2016", "2016-01-01T00:00:00", "year", "year"),
    # compact
    ("201610", "2016-10-01T00:00:00", "compact_hl7 year_month", "month"),
    ("20161005", "2016-10-05T00:00:00", "compact_hl7 date_only", "day"),
    ("2016100514", "2016-10-05T14:00:00", "compact_hl7 no_milliseconds no_zone", "hour"),
    ("201610051430", "2016-10-05T14:30:00", "compact_hl7 no_milliseconds no_zone", "minute"),
    ("20161005143015", "2016-10-05T14:30:15", "compact_hl7 no_milliseconds no_zone", "second"),
    ("20161005143015.123", "2016-10-05T14:30:15.123000", "compact_hl7 no_zone", "millisecond"),
    (
        "20161005143015.1234-0500",
        "2016-10-05T19:30:15.123400",
        "compact_hl7 no_milliseconds offset_converted",
        "microsecond",
    ),
    (
        "201610051430+0200",
        "2016-10-05T12:30:00",
        "compact_hl7 no_milliseconds offset_converted",
        "minute",
    ),
    ("20161005T143015Z", "2016-10-05T14:30:15", "compact_hl7 no_milliseconds", "second"),
    ("18161005143015", "1816-10-05T14:30:15", "compact_hl7 no_milliseconds no_zone", "second"),
    # leap seconds
    ("2016-12-31T23:59:60.000Z", "2017-01-01T00:00:00", "leap_second", "millisecond"),
    ("2016-12-31T23:59:60.250Z", "2017-01-01T00:00:00.250000", "leap_second", "millisecond"),
    ("2016-12-31T18:59:60Z", "2016-12-31T19:00:00", "no_milliseconds leap_second", "second"),
    (
        "2017-01-01T00:59:60.000+01:00",
        "2017-01-01T00:00:00",
        "offset_converted leap_second",
        "millisecond",
    ),
    # sentinels
    ("0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00", "implausible", "millisecond"),
    ("0001-07-04T00:00:00.000Z", "0001-07-04T00:00:00", "implausible", "millisecond"),
    ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999000", "implausible", "millisecond"),
    ("1900-01-01T00:00:00.000Z", "1900-01-01T00:00:00", "implausible", "millisecond"),
    ("1900-01-01T05:00:00.000Z", "1900-01-01T05:00:00", "implausible", "millisecond"),
    ("1900-01-02T00:00:00.000Z", "1900-01-02T00:00:00", "", "millisecond"),
    ("1899-12-31T23:59:59.999Z", "1899-12-31T23:59:59.999000", "", "millisecond"),
    ("1900-01-01", "1900-01-01T00:00:00", "date_only implausible", "day"),
    ("99991231", "9999-12-31T00:00:00", "compact_hl7 date_only implausible", "day"),
    (
        "1900-01-01T00:00:00.000+02:00",
        "1899-12-31T22:00:00",
        "offset_converted implausible",
        "millisecond",
    ),
]

# text, date, rules without the prefix, precision
DATES = [
    ("2008-01-06", "2008-01-06", "", "day"),
    ("2000-02-29", "2000-02-29", "", "day"),
    ("2024-02-29", "2024-02-29", "", "day"),
    ("0002-01-01", "0002-01-01", "", "day"),
    ("2008-1-6", "2008-01-06", "unpadded", "day"),
    ("20080106", "2008-01-06", "compact_hl7", "day"),
    ("200801", "2008-01-01", "compact_hl7 year_month", "month"),
    ("2008-01", "2008-01-01", "year_month", "month"),
    ("2008", "2008-01-01", "year", "year"),
    (" 2008-01-06 ", "2008-01-06", "surrounding_space", "day"),
    ("2008-01-06T00:00:00.000Z", "2008-01-06", "datetime_on_date", "day"),
    ("2008-01-06T23:30:00.000-05:00", "2008-01-06", "datetime_on_date", "day"),
    ("2008-01-06T00:30:00+10:00", "2008-01-06", "datetime_on_date", "day"),
    ("2008-01-06 05:00", "2008-01-06", "datetime_on_date", "day"),
    ("2016-12-31T23:59:60Z", "2016-12-31", "datetime_on_date", "day"),
    ("0001-01-01T00:00:00+10:00", "0001-01-01", "datetime_on_date implausible", "day"),
    ("20080106120000", "2008-01-06", "compact_hl7 datetime_on_date", "day"),
    ("1900-01-01", "1900-01-01", "implausible", "day"),
    ("9999-12-31", "9999-12-31", "implausible", "day"),
    ("0001-01-01", "0001-01-01", "implausible", "day"),
    ("0001", "0001-01-01", "year implausible", "year"),
]

NONSENSE = [
    "2023-02-30", "2023-02-29", "1900-02-29", "2100-02-29", "2023-04-31", "2023-13-01",
    "2023-00-10", "2023-01-00", "2023-01-32", "0000-01-01", "0000", "20230230", "202313",
    "2023-01-01T24:00:00.001Z", "2023-01-01T25:00:00.000Z", "2023-01-01T12:60:00.000Z",
    "2023-01-01T12:00:61.000Z", "2023-01-01T12:00:00.000+16:00", "2023-01-01T12:00:00.000+05:60",
    "2023-01-01T12:00:00.Z", "2023-01-01T12:00:00.000ZZ", "2023-01-01T12:00:00:00Z",
    "2023-01-01T12:00:00:0000Z", "2023-01-01T", "2023-01-01TZ", "2023-01-01  12:00",
    "2023-01-01T12.5Z", "2023-1-1T1:1:1Z", "23-01-01", "12023-01-01", "+2023-01-01", "-2023-01-01",
    "01/02/2023", "2023/01/02", "2023.01.02", "Jan 2, 2023", "infinity", "-infinity", "now",
    "today", "epoch", "null", "N/A", "unknown", "0", "1", "123", "20231", "2023010",
    "1475020800", "1700000000", "1475020800000", "1475020800000000", "1475020800.5", "42644",
    "161005", "161005112233", "12:30", "12:30:00", "T12:30:00Z", " ", "\t", "\u00a0", "Z",
    "2023-01-0\uff11", "\uff12\uff10\uff12\uff13-01-01", "2023\u201001\u201001",
    "2023-01-01\x00x", "\x002023-01-01T12:00:00.000Z", "260302", "210199",
    "2023-W05", "2023-001", "P1D", "2023-01-01/2023-01-02", "2023-01-01T12:00:00.000 CET",
    "2023-01-01T12:00:00;000Z", "2023-01-01T12:00:00." + "1" * 200 + "Z", "1" * 10_000,
]  # fmt: skip

OUT_OF_RANGE_IN_UTC = [
    "0001-01-01T00:00:00.000+01:00", "9999-12-31T23:59:59.999-01:00", "9999-12-31T23:59:60.000Z",
]  # fmt: skip


def expect(value: datetime | date, rules: str, precision: str) -> ReadTime:
    named = tuple(TimeRule(f"time_{rule}") for rule in rules.split())
    return ReadTime(value, named, Precision(precision))


@pytest.mark.parametrize(("text", "instant", "rules", "precision"), INSTANTS)
def test_datetime_reads_as(text: str, instant: str, rules: str, precision: str) -> None:
    expected = expect(datetime.fromisoformat(instant).replace(tzinfo=UTC), rules, precision)
    assert read_time(text, Temporal.DATETIME) == expected


@pytest.mark.parametrize(("text", "day", "rules", "precision"), DATES)
def test_date_reads_as(text: str, day: str, rules: str, precision: str) -> None:
    read = read_time(text, Temporal.DATE)
    assert read == expect(date.fromisoformat(day), rules, precision)
    assert type(read.value) is date


@pytest.mark.parametrize("temporal", Temporal)
@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_has_no_value(text: str, temporal: Temporal) -> None:
    assert read_time(text, temporal) == IMPOSSIBLE


@pytest.mark.parametrize("text", OUT_OF_RANGE_IN_UTC)
def test_instant_outside_the_calendar_has_no_value(text: str) -> None:
    assert read_time(text, Temporal.DATETIME) == IMPOSSIBLE


@pytest.mark.parametrize("temporal", Temporal)
def test_empty_text_is_not_populated(temporal: Temporal) -> None:
    assert read_time("", temporal) == EMPTY


INSTANTS_OF_YEARS_2_TO_9998 = st.datetimes(
    datetime(2, 1, 1), datetime(9998, 12, 31, 23, 59, 59, 999_999), timezones=st.just(UTC)
)
# how many digits a printed fraction has, so that what is cut is known
FRACTIONS = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 9])
# between the parts of a date, before the time, between the parts of a time
MARKS = [("-", "T", ":"), ("-", " ", ":"), ("-", "t", ":"), ("", "", ""), ("", "T", "")]
OFFSETS = st.integers(-15 * 60 - 59, 15 * 60 + 59).map(lambda minutes: timedelta(minutes=minutes))


def print_zone(offset: timedelta, style: str) -> str:
    minutes = abs(int(offset.total_seconds())) // 60
    sign = "-" if offset < timedelta() else "+"
    return f"{sign}{minutes // 60:02d}{style}{minutes % 60:02d}"


@settings(deadline=None)
@given(
    instant=INSTANTS_OF_YEARS_2_TO_9998,
    digits=FRACTIONS,
    offset=st.one_of(st.just(None), OFFSETS),
    marks=st.sampled_from(MARKS),
    zone_style=st.sampled_from(["", ":"]),
    zone=st.sampled_from(["Z", "z", ""]),
    space=st.sampled_from(["", " "]),
)
def test_printed_instant_reads_back(
    *,
    instant: datetime,
    digits: int,
    offset: timedelta | None,
    marks: tuple[str, str, str],
    zone_style: str,
    zone: str,
    space: str,
) -> None:
    local = instant.astimezone(timezone(offset or timedelta()))
    dash, mark, colon = marks
    fraction = f".{local.microsecond:06d}000"[: digits + 1] if digits else ""
    text = (
        f"{space}{local.year:04d}{dash}{local.month:02d}{dash}{local.day:02d}{mark}"
        f"{local.hour:02d}{colon}{local.minute:02d}{colon}{local.second:02d}{fraction}"
        f"{zone if offset is None else print_zone(offset, zone_style)}{space}"
    )
    unit = 10 ** (6 - min(digits, 6))
    expected = instant.replace(microsecond=instant.microsecond // unit * unit)

    assert read_time(text, Temporal.DATETIME).value == expected
    assert read_time(text, Temporal.DATE).value == local.date()


def prints_otherwise(rules: tuple[TimeRule, ...]) -> bool:
    return any(rule not in (TimeRule.IMPLAUSIBLE, TimeRule.IMPOSSIBLE) for rule in rules)


@settings(deadline=None)
@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))
def test_canonical_texts_alone_print_as_they_came(instant: datetime) -> None:
    text = f"{instant:%H:%M:%S}.{instant.microsecond // 1000:03d}Z"
    text = f"{instant.year:04d}-{instant.month:02d}-{instant.day:02d}T{text}"

    assert not prints_otherwise(read_time(text, Temporal.DATETIME).rules)
    assert not prints_otherwise(read_time(text[:10], Temporal.DATE).rules)


TIME_LIKE = st.text("0123456789-:.TZtz+ ", max_size=30)


@settings(deadline=None)
@given(st.one_of(TIME_LIKE, st.text(max_size=30)), st.sampled_from(Temporal))
def test_value_without_form_rules_prints_as_the_text(text: str, temporal: Temporal) -> None:
    read = read_time(text, temporal)

    if read.value is not None and not prints_otherwise(read.rules):
        printed = read.value.isoformat(*(("T", "milliseconds") if "T" in text else ()))
        assert printed.replace("+00:00", "Z") == text
