"""Values of one message that cannot both be true: which are found, which are not certain enough."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from etl.check.plausibility import check_plausibility
from models.catalog import Catalog
from models.catalog.records import Comparison
from models.compile.plausibility import Place, PlausibilityCheck, compile_plausibility
from models.tables.plan import WarehousePlan, plan_tables
from tests.packaged import packaged_catalog

INSTANT = pa.timestamp("us", tz="UTC")
NEAR = ("message_id", "orders_ordinal")


@cache
def catalog() -> Catalog:
    return packaged_catalog()


@cache
def plan() -> WarehousePlan:
    return plan_tables(catalog())


@cache
def checks_of(data_model: str) -> tuple[PlausibilityCheck, ...]:
    return compile_plausibility(catalog(), plan(), data_model)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def compare(left: pa.Array, comparison: str, right: pa.Array, **options: Any) -> bool:
    """True if one row with these two values is found."""
    table = pa.table({"message_id": [7], "left": left, "right": right})
    check = PlausibilityCheck(
        rule="rule",
        path="Left",
        left=Place("a.message", ("message_id",), "left"),
        comparison=Comparison(comparison),
        right=Place("a.message", ("message_id",), "right"),
        limit=options.get("limit"),
        when=None,
        when_values=(),
    )
    found = list(check_plausibility({"a.message": table}, [check]))
    return [one.message_id.tolist() for one in found] == [[7]]


@pytest.mark.parametrize(
    ("end", "start", "is_found"),
    [
        ("2026-03-02T10:00", "2026-03-02T10:01", True),
        ("2026-03-02T10:01", "2026-03-02T10:01", False),
        ("2026-03-02T00:00", "2026-03-02T09:00", False),  # midnight may be a bare date
        ("2026-03-02T00:00", "2026-03-03T00:00", True),
        ("2026-03-02T00:00", "2026-03-03T09:00", False),  # still the second at UTC-10
        ("2026-03-02T00:00", "2026-03-03T13:00", True),
        ("2026-03-01T00:00", "2026-03-20T00:00", False),  # may be all of March
        ("2026-01-01T00:00", "2026-12-20T00:00", False),  # may be all of 2026
        ("2026-03-01T00:00", "2026-04-02T00:00", True),
        ("1900-01-01T00:00", "2026-04-02T00:00", False),  # a placeholder
        ("2026-04-02T10:00", "9999-12-31T00:00", False),
    ],
)
def test_only_what_certainly_ends_before_it_begins_is_found(
    end: str, start: str, is_found: bool
) -> None:
    assert compare(pa.array([at(end)], INSTANT), "before", pa.array([at(start)], INSTANT)) is (
        is_found
    )


@pytest.mark.parametrize(
    ("birth", "event", "comparison", "is_found"),
    [
        (date(2026, 3, 2), "2026-03-02T01:00", "after", False),
        (date(2026, 3, 3), "2026-03-02T12:00", "after", False),  # the third already at UTC+14
        (date(2026, 3, 3), "2026-03-02T09:00", "after", True),
        (date(1906, 3, 3), "2026-03-02T12:00", "years_before", False),
        (date(1905, 2, 3), "2026-03-02T12:00", "years_before", True),
        (date(1905, 1, 1), "2025-06-02T12:00", "years_before", False),  # may be all of 1905
        (date(1900, 1, 1), "2026-03-02T12:00", "years_before", False),
    ],
)
def test_a_birth_is_after_an_event_or_long_before_it(
    birth: date, event: str, comparison: str, is_found: bool
) -> None:
    left, right = pa.array([birth], pa.date32()), pa.array([at(event)], INSTANT)
    limit = 120.0 if comparison == "years_before" else None
    assert compare(left, comparison, right, limit=limit) is is_found


@pytest.mark.parametrize(
    ("low", "high", "is_found"),
    [("5", "4", True), ("5", "5.0", False), ("+5", " 4.5 ", True), ("<5", "4", False),
     ("a", "4", False), ("", "4", False), ("1e3", "4", False)],
)  # fmt: skip
def test_numbers_are_compared_where_both_texts_are_plain_numbers(
    low: str, high: str, is_found: bool
) -> None:
    assert compare(pa.array([low]), "above", pa.array([high])) is is_found
    assert compare(pa.array([high]), "below", pa.array([low])) is is_found


def test_a_value_of_an_array_is_compared_with_that_of_the_element_around_it() -> None:
    outer = pa.table(
        {
            "message_id": [1, 1, 3],
            "orders_ordinal": pa.array([1, 2, 1], pa.int32()),
            "collected": pa.array([at("2026-03-02T10:00"), None, at("2026-03-02T10:00")], INSTANT),
        }
    )
    times = ["2026-03-02T11:00", "2026-03-02T09:00", "2026-03-02T09:00", "2026-03-02T09:00"]
    inner = pa.table(
        {
            "message_id": [1, 1, 1, 3],
            "orders_ordinal": pa.array([1, 1, 2, 1], pa.int32()),
            "results_ordinal": pa.array([1, 2, 1, 1], pa.int32()),
            "done": pa.array([at(text) for text in times], INSTANT),
        }
    )
    check = PlausibilityCheck(
        "rule",
        "Orders[].Results[].Done",
        Place("r.inner", (*NEAR, "results_ordinal"), "done"),
        Comparison.BEFORE,
        Place("r.outer", NEAR, "collected"),
        None,
        None,
        (),
    )
    (found,) = check_plausibility({"r.inner": inner, "r.outer": outer}, [check])
    assert found.message_id.tolist() == [1, 3]
    assert found.ordinals.to_pylist() == [[1, 2], [1, 1]]
    assert list(check_plausibility({"r.inner": inner}, [check])) == []
    assert list(check_plausibility({"r.outer": outer}, [check])) == []


@pytest.mark.parametrize(
    ("flag", "value", "is_found"),
    [("Normal", "12", True), ("Normal", "8", False), ("High", "12", False), ("High", "8", True),
     ("High", "3", True), ("Low", "12", True), ("Low", "3", False), ("Very Low", "8", True),
     ("Abnormal", "12", False), (None, "12", False), ("Normal", "12 mg", False)],
)  # fmt: skip
def test_a_flag_is_held_against_the_number_and_its_range(
    flag: str | None, value: str, is_found: bool
) -> None:
    table = pa.table(
        {
            "message_id": [1],
            "orders_ordinal": pa.array([1], pa.int32()),
            "results_ordinal": pa.array([2], pa.int32()),
            "value": [value],
            "abnormal_flag": pa.array([flag], pa.string()),
            "reference_range_low": [5.0],
            "reference_range_high": [10.0],
        }
    )
    found = list(check_plausibility({"results.orders_results": table}, checks_of("Results")))
    assert [(one.rule, one.message_id.tolist()) for one in found] == (
        [("flag_contradicts_value", [1])] if is_found else []
    )


def test_every_line_of_the_catalog_compares_something() -> None:
    checks = [check for name in catalog().data_models for check in checks_of(name)]
    compared = {(check.rule, check.comparison, check.limit) for check in checks}
    assert compared == {(one.rule, one.comparison, one.limit) for one in catalog().plausibility}
    columns = {
        (table.qualified_name, column.name) for table in plan().tables() for column in table.columns
    }
    places = {place for check in checks for place in (check.left, check.right, check.when) if place}
    assert {(place.table, place.column) for place in places} <= columns
