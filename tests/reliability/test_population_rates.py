"""quality.field_population: numerators and denominators."""

from __future__ import annotations

from math import sqrt

import duckdb
import pytest
from reliability_world import Feed, connect_world, list_fields, send

Z = 1.959963984540054


def wilson(populated: int, messages: int) -> tuple[float, float]:
    """Wilson's score interval, written from the textbook (Wilson 1927)."""
    rate = populated / messages
    centre = (populated + Z * Z / 2) / (messages + Z * Z)
    half = Z / (messages + Z * Z) * sqrt(rate * (1 - rate) * messages + Z * Z / 4)
    return centre - half, centre + half


def population(connection: duckdb.DuckDBPyConnection, path: str) -> dict[str, object]:
    cursor = connection.execute("select * from quality.field_population where path = $1", [path])
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    assert len(rows) == 1
    return dict(zip(names, rows[0], strict=True))


@pytest.mark.parametrize(
    ("populated", "messages"),
    [(0, 1), (1, 1), (1, 2), (0, 35), (35, 35), (90, 100), (3, 1000), (999_999, 1_000_000)],
)
def test_interval_is_wilsons(populated: int, messages: int) -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    send(connection, [Feed("s", "Arrival", messages, {"Patient.Name": populated / messages})])

    row = population(connection, "Patient.Name")

    low, high = wilson(populated, messages)
    assert row["messages_populated"] == populated
    assert row["messages"] == messages
    assert row["request_rate"] == populated / messages
    assert row["rate_low"] == pytest.approx(max(low, 0), abs=1e-12)
    assert row["rate_high"] == pytest.approx(min(high, 1), abs=1e-12)


def test_listed_field_that_is_never_filled_has_a_row_of_zeros() -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name", "Patient.Age"], events=["Arrival"])
    send(connection, [Feed("s", "Arrival", 10, {"Patient.Name": 1})])

    row = population(connection, "Patient.Age")

    assert (row["messages_populated"], row["messages"], row["request_rate"]) == (0, 10, 0)
    assert row["rate_low"] == 0
    assert row["is_listed"] is True


def test_no_messages_give_no_rate_and_no_error() -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    connection.execute(
        "insert into quality.message_count values"
        " (0, '2026-03-01', 's', '', 'PatientAdmin', 'Arrival', false, 0)"
    )

    row = population(connection, "Patient.Name")

    assert row["messages"] == 0
    assert [row[name] for name in ("request_rate", "rate_low", "rate_high", "element_rate")] == [
        None,
        None,
        None,
        None,
    ]


def test_element_rate_is_per_nearest_enclosing_array_element() -> None:
    connection = connect_world()
    paths = ["Orders[]", "Orders[].ID", "Orders[].Results[]", "Orders[].Results[].Value"]
    list_fields(connection, paths, events=["New"])
    send(
        connection,
        [
            Feed(
                "s",
                "New",
                100,
                {
                    "Orders[]": 1,
                    "Orders[].ID": 1,
                    "Orders[].Results[]": 0.5,
                    "Orders[].Results[].Value": 0.4,
                },
                elements={"Orders[]": 2, "Orders[].Results[]": 6, "Orders[].Results[].Value": 3},
            )
        ],
    )

    identifier = population(connection, "Orders[].ID")
    results = population(connection, "Orders[].Results[]")
    value = population(connection, "Orders[].Results[].Value")

    assert (identifier["elements"], identifier["element_denominator"]) == (100, 200)
    assert identifier["element_rate"] == 0.5
    assert (value["elements"], value["element_denominator"]) == (120, 300)
    assert value["element_rate"] == 0.4
    assert results["element_rate"] is None
    assert results["mean_elements"] == 1.5
    assert results["request_rate"] == 0.5


def test_parent_rate_is_within_the_filled_parent_object() -> None:
    connection = connect_world()
    list_fields(connection, ["Visit", "Visit.Location", "Visit.Location.Bed"], events=["Arrival"])
    send(
        connection,
        [
            Feed(
                "s",
                "Arrival",
                100,
                {
                    "Visit": 0.8,
                    "Visit.Location": 0.4,
                    "Visit.Location.Bed": 0.1,
                },
            )
        ],
    )

    bed = population(connection, "Visit.Location.Bed")

    assert (bed["elements"], bed["parent_denominator"], bed["parent_rate"]) == (10, 40, 0.25)
    assert bed["element_rate"] == 0.1


def test_counts_add_over_slices_days_and_facilities() -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    send(
        connection,
        [
            Feed("s", "Arrival", 10, {"Patient.Name": 0.5}, facility_code="A"),
            Feed("s", "Arrival", 30, {"Patient.Name": 1}, facility_code="B"),
        ],
        days=25,
    )

    row = population(connection, "Patient.Name")

    assert (row["messages_populated"], row["messages"]) == (25 * 35, 25 * 40)


def test_unlisted_field_that_is_filled_is_shown_as_unlisted() -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    send(connection, [Feed("s", "Discharge", 10, {"Patient.Name": 0.3})])

    row = population(connection, "Patient.Name")

    assert (row["is_listed"], row["messages_populated"], row["messages"]) == (False, 3, 10)


def test_test_messages_stand_apart() -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    send(
        connection,
        [
            Feed("s", "Arrival", 10, {"Patient.Name": 1}),
            Feed("s", "Arrival", 4, {"Patient.Name": 0}, is_test=True),
        ],
    )

    rows = connection.execute(
        "select is_test, messages, messages_populated from quality.field_population order by 1"
    ).fetchall()

    assert rows == [(False, 10, 10), (True, 4, 0)]
