"""Days, periods and organizations: quality.field_day, count_period, field_organization_rate."""

from __future__ import annotations

import duckdb
from reliability_world import Feed, connect_world, list_fields, send


def counts(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    return connection.execute(
        "select messages_populated, messages from quality.field_population"
    ).fetchall()


def test_period_setting_limits_the_days() -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    send(connection, [Feed("s", "Arrival", 10, {"Patient.Name": [0.0] * 20 + [1.0] * 10})], days=30)
    connection.execute(
        "update quality.reliability_setting set value = 10 where name = 'period_days'"
    )

    assert counts(connection) == [(100, 100)]


def test_sentinel_day_is_counted_but_is_not_now() -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    send(connection, [Feed("s", "Arrival", 10, {"Patient.Name": 1})], days=3)
    connection.execute(
        "insert into quality.message_count values"
        " (0, '9999-12-31', 's', '', 'PatientAdmin', 'Arrival', false, 1)"
    )

    last_day = connection.execute("select last_day::varchar from quality.count_period").fetchall()

    assert counts(connection) == [(30, 31)]
    assert last_day == [("2026-03-03",)]


def test_organization_is_the_mapping_else_the_source() -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name", "Patient.Age"], events=["Arrival"])
    connection.execute(
        "insert into quality.organization values"
        " ('s1', 'A', 'North'), ('s1', 'B', 'South'), ('s2', '', 'North')"
    )
    send(
        connection,
        [
            Feed("s1", "Arrival", 10, {"Patient.Name": 1}, facility_code="A"),
            Feed("s1", "Arrival", 10, {"Patient.Age": 0.1}, facility_code="B"),
            Feed("s2", "Arrival", 10, {"Patient.Name": 1}, facility_code="Z"),
            Feed("s3", "Arrival", 10, {"Patient.Name": 0.1}),
            Feed("s4", "Arrival", 10, {}),
        ],
    )

    rows = connection.execute(
        "select path, organizations_carrying, organizations, organization_rate"
        " from quality.field_organization_rate order by path"
    ).fetchall()

    # organizations: North (s1 A and s2), South (s1 B), s3, s4
    assert rows == [("Patient.Age", 1, 4, 0.25), ("Patient.Name", 2, 4, 0.5)]


def test_day_series_shows_days_on_which_the_field_is_empty() -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name", "Patient.Age"], events=["Arrival"])
    send(
        connection,
        [Feed("s", "Arrival", [10, 0, 10, 10], {"Patient.Name": [1, 1, 0, 0.5]})],
        days=4,
    )

    rows = connection.execute(
        "select path, dayofmonth(day), messages_populated, messages from quality.field_day"
        " order by path, day"
    ).fetchall()

    assert rows == [
        ("Patient.Name", 1, 10, 10),
        ("Patient.Name", 3, 0, 10),
        ("Patient.Name", 4, 5, 10),
    ]
