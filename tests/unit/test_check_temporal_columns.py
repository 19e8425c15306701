"""Columns of times read like their texts, whatever they mix and however Arrow holds them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.check import temporal_columns, time_layouts
from etl.check.temporal_columns import ARROW_TYPES, CoercedTimes, coerce_times
from etl.check.time_forms import TimeRule
from etl.check.times import read_time
from models.catalog.records import Temporal

CANONICAL = "2016-09-22T10:20:30.000Z"

COMMON_TEXTS = [
    CANONICAL, "1969-12-31T23:59:59.999Z", "2016-09-22", "1900-01-01", "1900-01-01T00:00:00.000Z",
    "9999-12-31T00:00:00.000Z", "0001-01-01", "2023-02-30", "2023-02-30T00:00:00.000Z",
    "2023-02-28T24:00:00.000Z", "2016-12-31T23:59:60.000Z", "2018-01-01T00:00:01Z",
    "2018-01-01T00:00:01-0400", "2018-01-01T00:00:01.5+05:30", "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:00:00-05:00", "2018-01-01T00:00:01+19:00", "2018-01-01T00:00:01.1234567Z",
    "2016-08-01 14:00:00Z", "2016-10-5", "2005-07-02T04:00:00:000Z", "20161005143000-0500",
    "2016", "0930", "1699-01", "201610", "161005", "1475020800", "2016100514", " 2016-09-22",
    "\u00a02016-09-22", "unknown", "né hier soir, à 10 heures", "0000-01-01", "\x00" * 24,
    "2O16-09-22T10:20:30.000Z", "2016-09-22T10:20:30.000z", "9" * 24, ":" * 24, "x" * 500,
]  # fmt: skip

Noted = tuple[int, tuple[TimeRule, ...], str | None]

DATED = st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds"))
TEXTS = st.one_of(
    st.none(),
    st.just(""),
    st.sampled_from(COMMON_TEXTS),
    DATED.map(lambda text: f"{text}Z"),
    DATED.map(lambda text: text[:10]),
    st.builds(
        lambda text, place, mark: f"{text[:place]}{mark}{text[place + 1 :]}Z",
        DATED, st.integers(0, 23), st.characters(codec="utf-8"),
    ),
    st.text("0123456789-:.TZ+ ", max_size=30),
)  # fmt: skip


def read_each(texts: Sequence[str | None], temporal: Temporal) -> tuple[pa.Array, list[Noted]]:
    """What reading one text after another gives: the reference for a column."""
    reads = [read_time(text or "", temporal) for text in texts]
    values = pa.array([read.value for read in reads], ARROW_TYPES[temporal])
    noted = [(row, read.rules, texts[row]) for row, read in enumerate(reads) if read.rules]
    return values, noted


def assert_reads_alike(
    coerced: CoercedTimes, texts: Sequence[str | None], temporal: Temporal
) -> None:
    values, noted = read_each(texts, temporal)
    coerced.values.validate(full=True)
    assert coerced.values.type == ARROW_TYPES[temporal]
    assert coerced.values.equals(values)
    assert sorted(coerced, key=lambda exception: exception[0]) == noted


@pytest.mark.parametrize("temporal", Temporal)
@settings(deadline=None)
@given(texts=st.lists(TEXTS, max_size=60))
def test_column_reads_like_its_texts(texts: list[str | None], temporal: Temporal) -> None:
    assert_reads_alike(coerce_times(pa.array(texts, pa.string()), temporal), texts, temporal)


@pytest.mark.parametrize("temporal", Temporal)
@settings(deadline=None, max_examples=300)
@given(text=st.sampled_from(COMMON_TEXTS), odd=TEXTS, place=st.integers(0, 39))
def test_texts_read_together_read_like_each_alone(
    text: str, odd: str | None, place: int, temporal: Temporal
) -> None:
    texts: list[str | None] = [text] * 40
    texts[place] = odd
    assert_reads_alike(coerce_times(pa.array(texts, pa.string()), temporal), texts, temporal)


@pytest.mark.parametrize("temporal", Temporal)
@settings(deadline=None)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=40),
    start=st.integers(0, 20),
    length=st.integers(0, 40),
)
def test_slice_reads_like_its_own_texts(
    texts: list[str | None], start: int, length: int, temporal: Temporal
) -> None:
    column = pa.array(texts, pa.string()).slice(min(start, len(texts)), length)
    assert_reads_alike(coerce_times(column, temporal), column.to_pylist(), temporal)


@pytest.mark.parametrize("string_type", [pa.string(), pa.large_string(), pa.string_view()])
def test_every_string_type_and_chunks_read_alike(string_type: pa.DataType) -> None:
    texts = [CANONICAL, None, "", "2016-09-22", "unknown"]
    chunks = pa.chunked_array([pa.array(texts, string_type), pa.array(texts[::-1], string_type)])
    assert_reads_alike(
        coerce_times(chunks, Temporal.DATETIME), texts + texts[::-1], Temporal.DATETIME
    )


@pytest.mark.parametrize("temporal", Temporal)
@pytest.mark.parametrize("texts", [[], [None], ["", ""], ["", None]])
def test_nothing_populated_gives_only_nulls(texts: list[str | None], temporal: Temporal) -> None:
    coerced = coerce_times(pa.array(texts, pa.string()), temporal)
    assert coerced.values.equals(pa.nulls(len(texts), ARROW_TYPES[temporal]))
    assert coerced.exceptions == ()


def test_bytes_under_a_null_are_not_read() -> None:
    full = pa.array([CANONICAL, "2017-09-22T10:20:30.000Z", "unknown", CANONICAL])
    validity = pa.py_buffer(bytes([0b1001]))
    column = pa.Array.from_buffers(pa.string(), 4, [validity, *full.buffers()[1:]])
    texts = [CANONICAL, None, None, CANONICAL]
    assert_reads_alike(coerce_times(column, Temporal.DATETIME), texts, Temporal.DATETIME)


@pytest.mark.parametrize("length", [2047, 2048, 2049, 5000])
def test_columns_longer_than_a_block(length: int) -> None:
    texts: list[str | None] = [f"2016-09-22T10:{row % 60:02d}:30.000Z" for row in range(length)]
    assert_reads_alike(coerce_times(pa.array(texts), Temporal.DATETIME), texts, Temporal.DATETIME)
    texts[length // 2 :: 7] = ["2016-09-22T10:20:30-05:00"] * len(texts[length // 2 :: 7])
    texts[-1] = "1900-01-01T00:00:00.000Z"
    assert_reads_alike(coerce_times(pa.array(texts), Temporal.DATETIME), texts, Temporal.DATETIME)


def test_every_day_of_four_centuries_reads_exactly() -> None:
    first, last = date(1900, 1, 2).toordinal(), date(2300, 1, 1).toordinal()
    days = [date.fromordinal(ordinal) for ordinal in range(first, last)]
    texts = [day.isoformat() for day in days]
    coerced = coerce_times(pa.array([*texts, "1900-01-01"]), Temporal.DATE)
    assert coerced.values[:-1].equals(pa.array(days))


@pytest.mark.parametrize("temporal", Temporal)
def test_days_past_the_end_of_each_month_are_impossible(temporal: Temporal) -> None:
    texts = [
        f"{year}-{month:02d}-{day:02d}"
        for year in ("1900", "2000", "2023", "2024")
        for month in range(14)
        for day in range(33)
    ]
    assert_reads_alike(coerce_times(pa.array(texts), temporal), texts, temporal)


def test_common_deviations_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed that always deviates in one way must not cost a Python call per value."""

    def refuse(text: str, temporal: Temporal) -> None:
        raise AssertionError("read alone")

    monkeypatch.setattr(temporal_columns, "read_time", refuse)
    for text in ("2018-01-01T00:00:01Z", "2016-09-22", "20161005143000-0500", CANONICAL):
        texts = [text, "", None, CANONICAL] * temporal_columns.FEWEST_TOGETHER
        assert_reads_alike(
            coerce_times(pa.array(texts), Temporal.DATETIME), texts, Temporal.DATETIME
        )


def test_exceptions_are_grouped_by_rules_with_rows_ascending() -> None:
    column = pa.array(["2016-09-22", CANONICAL, "2016", "2017-09-22", "unknown", "2018"])
    groups = {
        group.rules: (group.rows.tolist(), group.received.to_pylist())
        for group in coerce_times(column, Temporal.DATETIME).exceptions
    }
    assert groups == {
        ("time_date_only",): ([0, 3], ["2016-09-22", "2017-09-22"]),
        ("time_year",): ([2, 5], ["2016", "2018"]),
        ("time_impossible",): ([4], ["unknown"]),
    }


def test_layout_numbers_stay_exact_in_float32() -> None:
    largest_exact = 2**24
    shape = "0000-00-00T00:00:00.000000+00:00"
    layout = time_layouts.layout_of_shape(shape, Temporal.DATETIME)
    assert layout is not None
    assert (layout.weights.sum(axis=1) * 9).max() < largest_exact
