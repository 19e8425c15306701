"""Small counts stay hidden: themselves, and whatever would give them away."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from reliability_page import build
from reliability_world import Feed, connect_world, expect, list_fields, send

from etl.report.small_cells import HIDDEN, hide, hide_days, hide_series, redacted_verdict


@pytest.mark.parametrize(
    ("count", "shown"), [(0, 0), (1, HIDDEN), (10, HIDDEN), (11, 11), (5000, 5000)]
)
def test_counts_from_one_to_the_limit_are_hidden_and_zero_is_not(count: int, shown: int) -> None:
    assert hide(count, 11) == shown


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([100, 100, 100], [100, 100, 100]),
        ([100, 5, 100, 60], [100, HIDDEN, 100, HIDDEN]),
        ([100, 5, 6, 60], [100, HIDDEN, HIDDEN, 60]),
        ([5, 0, 0], [HIDDEN, 0, 0]),
        ([], []),
    ],
)
def test_single_hidden_day_hides_a_second_one(counts: list[int], shown: list[int]) -> None:
    assert hide_days(counts, 11) == shown


def test_day_with_a_hidden_total_hides_its_numerator() -> None:
    assert hide_series([40, 30, 0, 20], [HIDDEN, 50, HIDDEN, 50], below=11) == [
        HIDDEN, 30, 0, HIDDEN,
    ]  # fmt: skip


def test_nothing_is_hidden_unasked() -> None:
    assert hide_days([1, 2, 3], 0) == [1, 2, 3]
    assert redacted_verdict(1, 5, 0) == ""


@pytest.fixture
def built(tmp_path: Path) -> tuple[str, dict[str, Any]]:
    connection = connect_world()
    paths = ["Patient.Name", "Patient.Age", "Orders[]", "Orders[].ID"]
    list_fields(connection, paths, events=["Arrival", "Discharge"])
    expect(connection, "Patient.Name", "Reliable")
    rates = {"Patient.Name": 0.0007, "Patient.Age": 0.9, "Orders[]": 0.5, "Orders[].ID": 0.0009}
    send(connection, [
        Feed("north", "Arrival", 1013, rates),
        Feed("north", "Discharge", 1, {"Patient.Age": 1}),
        Feed("south", "Arrival", [997, 3, 991, 983], {"Patient.Age": 0.8}),
    ], days=4)  # fmt: skip
    return build(connection, tmp_path, suppress_below=11)


def test_no_small_count_is_anywhere_in_the_data(built: tuple[str, dict[str, Any]]) -> None:
    _, data = built
    small = set(range(1, 11))
    rows = data["rows"]

    for name in ("populated", "elements", "elementsOf", "parents"):
        assert not small & set(rows[name]), name
    for _, _, _, messages, _, days in data["feeds"]:
        assert not small & {messages, *days}
    for series in rows["series"]:
        assert series in (0, 1) or not small & set(series)
    assert data["suppressBelow"] == 11


def test_rates_and_sentences_that_tell_a_small_count_are_hidden_too(
    built: tuple[str, dict[str, Any]],
) -> None:
    page, data = built
    rows = data["rows"]
    hidden = [row for row, count in enumerate(rows["populated"]) if count == HIDDEN]

    assert hidden
    for row in hidden:
        assert rows["low"][row] is rows["high"][row] is None
        assert rows["elementRate"][row] is rows["parentRate"][row] is None
        text = data["texts"][rows["text"][row]]  # only checks with a rating have a sentence
        assert not text or re.match("Fewer than 11|Filled in fewer than 11", text)
    # the one broken rating is worded without its count, in the overview as in the data
    assert "Filled in fewer than 11 of 4,052 messages; the count is not shown." in page
    assert "under 0.1" not in json.dumps(data["texts"])


def test_hidden_day_of_a_shown_total_has_a_companion(built: tuple[str, dict[str, Any]]) -> None:
    _, data = built
    south = next(feed for feed in data["feeds"] if feed[3] == 997 + 3 + 991 + 983)

    assert south[5] == [997, HIDDEN, 991, HIDDEN]


def test_sum_that_lacks_hidden_counts_says_so_and_is_no_zero(
    built: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    assert "<dt>Messages</dt><dd>7,026 and more</dd>" in built[0]

    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    send(connection, [Feed("north", "Arrival", 4, {"Patient.Name": 1})])
    page, _ = build(connection, tmp_path, suppress_below=11)
    assert "<dt>Messages</dt><dd>hidden</dd>" in page
    assert '<td class="num roomy">hidden</td>' in page


def test_page_says_that_counts_are_hidden(built: tuple[str, dict[str, Any]]) -> None:
    assert "Counts from 1 to 10 are shown as &lt;11" in built[0]


def test_change_on_few_messages_is_told_without_rates(tmp_path: Path) -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    rates = [0.98] * 20 + [0.001] * 10
    send(connection, [Feed("north", "Arrival", 1000, {"Patient.Name": rates})], days=30)

    page, _ = build(connection, tmp_path, suppress_below=50)

    assert "Patient.Name of north fell on March 21, 2026." in page
