"""quality.field_rating and quality.field_verdict: which rating is in force, and is it kept."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from reliability_world import Feed, connect_world, expect, list_fields, send

PATH = "Patient.Name"


def verdict_of(populated: int, messages: int, rating: str | None) -> tuple[object, ...]:
    connection = connect_world()
    list_fields(connection, [PATH], events=["Arrival"])
    expect(connection, PATH, rating)
    send(connection, [Feed("s", "Arrival", messages, {PATH: populated / messages})])
    return judge(connection)[:2]


def judge(connection: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
    """verdict, certainty, rating, basis, fails_check, text of the one field."""
    rows = connection.execute(
        "select verdict, certainty, rating, rating_basis, fails_check, verdict_text"
        " from quality.field_verdict where path = $1",
        [PATH],
    ).fetchall()
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize(
    ("rating", "populated", "messages", "expected"),
    [
        ("Reliable", 1000, 1000, ("met", "surely")),
        ("Reliable", 920, 1000, ("met", "surely")),
        ("Reliable", 910, 1000, ("met", "likely")),
        ("Reliable", 900, 1000, ("met", "perhaps")),
        ("Reliable", 890, 1000, ("met", "perhaps")),
        ("Reliable", 880, 1000, ("below", "surely")),
        ("Reliable", 0, 1000, ("below", "surely")),
        ("Reliable", 35, 35, ("met", "surely")),
        ("Reliable", 34, 34, ("not_enough_messages", None)),
        ("Probable", 1000, 1000, ("met", "surely")),
        ("Probable", 510, 1000, ("met", "likely")),
        ("Probable", 500, 1000, ("met", "perhaps")),
        ("Probable", 468, 1000, ("below", "surely")),
        ("Possible", 0, 1000, ("met", "surely")),
        ("Possible", 490, 1000, ("met", "likely")),
        ("Possible", 500, 1000, ("met", "perhaps")),
        ("Possible", 532, 1000, ("above", "surely")),
        (None, 950, 1000, ("not_documented", "surely")),
        (None, 905, 1000, ("not_documented", "likely")),
        (None, 5, 10, ("not_documented", None)),
    ],
)
def test_verdict_only_beyond_the_bound_with_the_whole_interval(
    rating: str | None, populated: int, messages: int, expected: tuple[object, ...]
) -> None:
    assert verdict_of(populated, messages, rating) == expected


def test_bounds_are_exclusive_however_many_messages() -> None:
    # exactly 90% is not Reliable, but no number of messages makes the whole interval lie beyond
    assert verdict_of(9_000_000, 10_000_000, "Reliable") == ("met", "perhaps")
    assert verdict_of(5_000_000, 10_000_000, "Possible") == ("met", "perhaps")


def test_interval_that_ends_on_the_bound_lies_beyond_it() -> None:
    connection = connect_world()
    list_fields(connection, [PATH], events=["Arrival"])
    expect(connection, PATH, "Reliable")
    send(connection, [Feed("s", "Arrival", 1000, {PATH: 0.89})])
    connection.execute(
        "update quality.reliability_setting set value ="
        " (select max(rate_high) from quality.field_population) where name = 'reliable_above'"
    )

    assert judge(connection)[:2] == ("below", "surely")


def test_listed_without_messages_is_judged_by_nobody() -> None:
    connection = connect_world()
    list_fields(connection, [PATH], events=["Arrival"])
    expect(connection, PATH, "Reliable")
    connection.execute(
        "insert into quality.message_count values"
        " (0, '2026-03-01', 's', '', 'PatientAdmin', 'Arrival', false, 0)"
    )

    row = judge(connection)

    assert row[:2] == ("not_enough_messages", None)
    assert row[5] == "No messages are counted."


def test_one_message_is_told_in_the_singular() -> None:
    connection = connect_world()
    list_fields(connection, [PATH], events=["Arrival"])
    send(connection, [Feed("s", "Arrival", 1, {PATH: 0})])

    assert judge(connection)[5] == "No rating is documented here; never filled in 1 message."


def test_unlisted_field_is_not_judged_by_a_documented_rating() -> None:
    connection = connect_world()
    list_fields(connection, [PATH], events=["Arrival"])
    expect(connection, PATH, "Reliable")
    send(connection, [Feed("s", "Discharge", 100, {PATH: 0.1})])

    row = judge(connection)

    assert row[0] == "not_listed_for_event"
    assert row[5] == ("Filled in 10 of 100 messages although the event type does not list it.")


def test_rating_in_force_is_the_sites_most_specific_line() -> None:
    connection = connect_world()
    list_fields(connection, [PATH], events=["Arrival"])
    send(connection, [Feed("s", "Arrival", 100, {PATH: 1})])
    told = []
    lines: list[tuple[str, str, dict[str, Any]]] = [
        ("Possible", "inferred", {"inferred": True, "event_type": "Arrival"}),
        ("Probable", "documented", {}),
        ("Reliable", "documented", {"data_model": "PatientAdmin"}),
        ("Possible", "documented", {"data_model": "PatientAdmin", "event_type": "Arrival"}),
        ("Probable", "site", {"site": True}),
        ("Reliable", "site", {"site": True, "data_model": "PatientAdmin"}),
        ("Possible", "site", {"site": True, "data_model": "PatientAdmin", "event_type": "Arrival"}),
        ("Probable", "site", {"site": True, "source_id": "s"}),
    ]
    for rating, basis, line in lines:
        expect(connection, PATH, rating, **line)
        told.append((judge(connection)[2:4], (rating, basis)))

    assert [seen for seen, _ in told] == [meant for _, meant in told]


def test_line_that_only_says_required_leaves_the_rating_alone() -> None:
    connection = connect_world()
    list_fields(connection, [PATH], events=["Arrival"])
    expect(connection, PATH, "Reliable")
    expect(connection, PATH, None, required=True, event_type="Arrival")
    send(connection, [Feed("s", "Arrival", 100, {PATH: 1})])

    assert judge(connection)[2] == "Reliable"
    assert connection.execute("select is_required from quality.field_verdict").fetchall() == [
        (True,)
    ]


def test_expectation_of_another_source_does_not_count() -> None:
    connection = connect_world()
    list_fields(connection, [PATH], events=["Arrival"])
    expect(connection, PATH, "Reliable", source_id="other", site=True)
    send(connection, [Feed("s", "Arrival", 100, {PATH: 1})])

    assert judge(connection)[0] == "not_documented"


@pytest.mark.parametrize(
    ("inferred", "is_test", "fails"),
    [(False, False, True), (True, False, False), (False, True, False)],
)
def test_inferred_ratings_and_test_messages_never_fail_a_check(
    inferred: bool, is_test: bool, fails: bool
) -> None:
    connection = connect_world()
    list_fields(connection, [PATH], events=["Arrival"])
    expect(connection, PATH, "Reliable", inferred=inferred)
    send(connection, [Feed("s", "Arrival", 100, {PATH: 0}, is_test=is_test)])

    row = judge(connection)

    assert row[0] == "below"
    assert row[3] == ("inferred" if inferred else "documented")
    assert row[4] is fails


@pytest.mark.parametrize(
    ("rating", "populated", "text"),
    [
        (
            "Reliable",
            1200,
            "Meets its documented rating Reliable: filled in 100.0% of 1,200"
            " messages (between 99.7% and 100.0%), surely more than 90%.",
        ),
        (
            "Reliable",
            144,
            "Falls below its documented rating Reliable: filled in 12.0% of 1,200"
            " messages (between 10.3% and 14.0%), surely not more than 90%.",
        ),
        (
            "Possible",
            1080,
            "Exceeds its documented rating Possible: filled in 90.0% of 1,200"
            " messages (between 88.2% and 91.6%), surely not less than 50%.",
        ),
        (
            "Reliable",
            1080,
            "May still meet its documented rating Reliable: filled in 90.0% of"
            " 1,200 messages (between 88.2% and 91.6%), so more than 90% cannot be ruled out.",
        ),
        (None, 0, "No rating is documented here; never filled in 1,200 messages."),
        (
            None,
            1000,
            "No rating is documented here; filled in 83.3% of 1,200 messages, surely as"
            " a Probable field.",
        ),
    ],
)
def test_each_verdict_is_explained_in_words(rating: str | None, populated: int, text: str) -> None:
    connection = connect_world()
    list_fields(connection, [PATH], events=["Arrival"])
    expect(connection, PATH, rating)
    send(connection, [Feed("s", "Arrival", 1200, {PATH: populated / 1200})])

    assert judge(connection)[5] == text


def test_planted_ratings_are_obeyed_by_two_sources_and_broken_by_one() -> None:
    connection = connect_world()
    paths = ["Patient.ID", "Patient.Name", "Patient.Phone"]
    list_fields(connection, paths, events=["Arrival"])
    for path, rating in zip(paths, ("Reliable", "Probable", "Possible"), strict=True):
        expect(connection, path, rating)
    obeyed = {"Patient.ID": 0.98, "Patient.Name": 0.7, "Patient.Phone": 0.2}
    broken = {"Patient.ID": 0.6, "Patient.Name": 0.3, "Patient.Phone": 0.8}
    send(
        connection,
        [
            Feed("north", "Arrival", 100, obeyed),
            Feed("south", "Arrival", 150, obeyed),
            Feed("west", "Arrival", 80, broken),
        ],
        days=30,
        seed=7,
    )

    rows = connection.execute(
        "select source_id, list(verdict order by path), bool_and(certainty = 'surely')"
        " from quality.field_verdict group by source_id order by source_id"
    ).fetchall()

    assert rows == [
        ("north", ["met", "met", "met"], True),
        ("south", ["met", "met", "met"], True),
        ("west", ["below", "below", "above"], True),
    ]
