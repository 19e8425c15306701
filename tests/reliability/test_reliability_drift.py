"""quality.field_drift and quality.source_silence: planted changes are found, ordinary days quiet."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pytest
from reliability_world import Feed, connect_world, list_fields, send

PATHS = [f"Patient.Field{number}" for number in range(40)]
CHANGED = "Patient.Field7"


def world(
    changed: list[float], *, messages: int = 100, seed: int | None = 3, dispersion: float = 0.01
) -> duckdb.DuckDBPyConnection:
    """Three sources of ordinary fields; one field of source west is as told, day by day."""
    connection = connect_world()
    list_fields(connection, PATHS, events=["Arrival"])
    ordinary = dict(zip(PATHS, np.linspace(0.01, 0.99, 40), strict=True))
    send(
        connection,
        [
            Feed("north", "Arrival", messages, ordinary),
            Feed("south", "Arrival", messages, ordinary),
            Feed("west", "Arrival", messages, {**ordinary, CHANGED: changed}),
        ],
        days=len(changed),
        seed=seed,
        dispersion=dispersion,
    )
    return connection


def changes(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute(
        "select source_id, path, day, kind from quality.field_drift order by day"
    ).fetchall()


def test_fall_is_found_on_its_day_and_said_in_words() -> None:
    connection = world([0.97] * 18 + [0.12] * 12, seed=None)

    assert changes(connection) == [("west", CHANGED, date(2026, 3, 19), "fell")]
    sentence = connection.execute("select sentence from quality.field_drift").fetchall()[0][0]
    assert sentence == (
        "Field Patient.Field7 of source west fell from 97% to 12% on March 19, 2026"
        " (PatientAdmin Arrival)."
    )


def test_field_that_vanishes_mid_month_is_found() -> None:
    connection = world([0.8] * 15 + [0.0] * 15)

    assert changes(connection) == [("west", CHANGED, date(2026, 3, 16), "vanished")]


def test_field_that_appears_is_found() -> None:
    connection = world([0.0] * 15 + [0.8] * 15)

    assert changes(connection) == [("west", CHANGED, date(2026, 3, 16), "appeared")]


def test_fall_and_recovery_are_two_changes() -> None:
    connection = world([0.97] * 30 + [0.12] * 30 + [0.97] * 15)

    assert changes(connection) == [
        ("west", CHANGED, date(2026, 3, 31), "fell"),
        ("west", CHANGED, date(2026, 4, 30), "rose"),
    ]


def test_fall_is_found_on_the_third_day_after() -> None:
    assert changes(world([0.97] * 28 + [0.12] * 2)) == []
    assert changes(world([0.97] * 28 + [0.12] * 3)) == [
        ("west", CHANGED, date(2026, 3, 29), "fell")
    ]


def test_small_feed_still_shows_a_great_fall() -> None:
    connection = world([0.97] * 15 + [0.12] * 15, messages=8, dispersion=0)

    assert changes(connection) == [("west", CHANGED, date(2026, 3, 16), "fell")]


def test_one_wild_day_is_no_change() -> None:
    rates = [0.97] * 30
    rates[14] = rates[29] = 0.1

    assert changes(world(rates)) == []


def test_change_of_a_point_on_many_messages_is_not_worth_a_word() -> None:
    assert changes(world([0.97] * 15 + [0.95] * 15, messages=20_000, dispersion=0)) == []


EVERY_FIELD = """
create or replace view quality.field_drift_possible as
select
  source_id, data_model, event_type, is_test, path,
  (
    select sum(feed.days * coalesce(listed.paths, 1))::double
    from (
      select data_model, event_type, count(distinct (source_id, is_test, day)) as days
      from quality.message_count
      where $days = 0 or day > (select last_day from quality.count_period) - $days
      group by all
    ) as feed
    left join (
      select data_model, event_type, count(*) as paths from quality.field_event group by all
    ) as listed using (data_model, event_type)
  ) as tests,
  list(datediff('day', date '1970-01-01', day)) as day_numbers,
  list(messages::double) as day_populated
from quality.path_count
where $days = 0 or day > (select last_day from quality.count_period) - $days - 28
group by all
"""


def wild_world(seed: int) -> duckdb.DuckDBPyConnection:
    """Fields of every kind: steady, scattered, falling, rising, missing for weeks; unlisted ones too."""
    rng = np.random.default_rng(seed)
    days = int(rng.integers(20, 100))
    connection = connect_world()
    list_fields(connection, PATHS[::2], events=["Arrival"])
    feeds = []
    for source in ("north", "south"):
        rates = {}
        for path in PATHS:
            level = np.full(days, rng.choice([0, 0.001, 0.02, 0.3, 0.5, 0.8, 0.97, 1]))
            if rng.random() < 0.4:
                begin, length = rng.integers(0, days), rng.integers(1, 40)
                level[begin : begin + length] = rng.random()
            if rng.random() < 0.3:
                level = np.clip(level + rng.normal(0, 0.2, days), 0, 1)
            rates[path] = level.tolist()
        volume = rng.poisson(rng.choice([1, 6, 40, 900]), days)
        feeds.append(Feed(source, "Arrival", volume.tolist(), rates))
    send(connection, feeds, days=days, seed=seed, dispersion=float(rng.choice([0, 0.05])))
    return connection


@pytest.mark.parametrize(("seed", "days"), [(1, 92), (2, 0), (3, 30), (4, 92), (5, 92)])
def test_a_quick_look_at_weeks_misses_no_candidate(seed: int, days: int) -> None:
    connection = wild_world(seed)
    connection.execute(
        "update quality.reliability_setting set value = $1 where name = 'drift_days'", [days]
    )
    queries = [
        "select * from quality.field_drift_candidate order by all",
        "select * replace (round(log10(chance), 9) as chance) from quality.field_drift order by all",
    ]
    found = [connection.execute(query).fetchall() for query in queries]
    looked_at = connection.execute("select count(*) from quality.field_drift_possible").fetchall()

    connection.execute(EVERY_FIELD.replace("$days", str(days)))

    assert found == [connection.execute(query).fetchall() for query in queries]
    everything = connection.execute("select count(*) from quality.field_drift_possible").fetchall()
    assert 0 < looked_at[0][0] < everything[0][0]
    assert len(found[0]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["independent", "dispersed", "weekday volume", "weekday rate"])
def test_ordinary_days_are_quiet_at_the_stated_rate(kind: str) -> None:
    # 0.05 alarms a look are stated: over 20 looks one is expected; three or fewer in 98% of trials
    alarms = sum(len(changes(_ordinary(kind, seed))) for seed in range(20))

    assert alarms <= 3


def _ordinary(kind: str, seed: int) -> duckdb.DuckDBPyConnection:
    days = 60
    rng = np.random.default_rng(seed)
    weekend = np.arange(days) % 7 >= 5
    volume = np.where(weekend, 40, 150) if kind == "weekday volume" else np.full(days, 100)
    connection = connect_world()
    list_fields(connection, PATHS, events=["Arrival", "Discharge"])
    levels = rng.choice([0.999, 0.99, 0.97, 0.9, 0.7, 0.5, 0.2, 0.05, 0.01, 0.001], (6, len(PATHS)))
    feeds = []
    for number, level in enumerate(levels):
        dip = np.where(weekend, 0.7, 1.0) if kind == "weekday rate" else np.ones(days)
        rates = {path: share * dip for path, share in zip(PATHS, level, strict=True)}
        event = ("Arrival", "Discharge")[number % 2]
        feeds.append(Feed(f"s{number // 2}", event, rng.poisson(volume).tolist(), rates))
    send(connection, feeds, days=days, seed=seed, dispersion=0.02 if kind == "dispersed" else 0.0)
    return connection


def silences(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute(
        "select source_id, data_model, last_day, silent_days from quality.source_silence"
        " order by source_id, data_model"
    ).fetchall()


def test_source_without_id_falls_silent_in_words_too() -> None:
    connection = connect_world()
    send(
        connection,
        [Feed("north", "Arrival", 50, {}), Feed("", "Arrival", [50] * 20 + [0] * 10, {})],
        days=30,
    )
    sentences = connection.execute("select sentence from quality.source_silence").fetchall()
    assert len(sentences) == 1
    assert sentences[0][0].startswith("The source without an ID fell silent after March 20, 2026: ")


def test_source_that_fell_silent_is_found_and_said_in_words() -> None:
    connection = connect_world()
    send(
        connection,
        [
            Feed("north", "Arrival", 50, {}),
            Feed("west", "Arrival", [50] * 20 + [0] * 10, {}),
        ],
        days=30,
    )

    assert silences(connection) == [("west", "*", date(2026, 3, 20), 9)]
    assert connection.execute("select sentence from quality.source_silence").fetchall() == [
        (
            "Source west fell silent after March 20, 2026: nothing for 9 days; it never paused before.",
        )
    ]


def test_data_model_that_fell_silent_is_found_while_the_source_still_sends() -> None:
    connection = connect_world()
    send(
        connection,
        [
            Feed("west", "Arrival", 50, {}),
            Feed("west", "New", [50] * 40 + [0] * 20, {}, data_model="Order"),
        ],
        days=60,
    )

    assert silences(connection) == [("west", "Order", date(2026, 4, 9), 19)]


def test_weekend_pause_is_no_silence() -> None:
    connection = connect_world()
    workdays = [0 if day % 7 in (0, 6) else 50 for day in range(57)]
    send(
        connection,
        [Feed("north", "Arrival", 50, {}), Feed("west", "Arrival", workdays, {})],
        days=57,
    )

    assert silences(connection) == []


def test_rare_sender_is_not_called_silent_early() -> None:
    connection = connect_world()
    weekly = [5 if day % 7 == 0 and day < 80 else 0 for day in range(90)]
    send(
        connection, [Feed("north", "Arrival", 50, {}), Feed("rare", "Arrival", weekly, {})], days=90
    )

    assert silences(connection) == []


@pytest.mark.slow
def test_senders_that_come_by_chance_are_quiet_at_the_stated_rate() -> None:
    alarms = 0
    for seed in range(20):
        connection = connect_world()
        rng = np.random.default_rng(seed)
        send(
            connection,
            [
                Feed(f"s{number}", "Arrival", rng.poisson(mean, 90).tolist(), {})
                for number, mean in enumerate([0.1, 0.2, 0.3, 0.5, 0.8, 1, 2, 5, 20, 100])
            ],
            days=90,
        )
        alarms += len(silences(connection))

    assert alarms <= 3


def test_changes_are_looked_for_in_the_last_days_or_in_all() -> None:
    connection = world([0.97] * 20 + [0.12] * 60 + [0.97] * 50)

    later = ("west", CHANGED, date(2026, 5, 20), "rose")
    assert changes(connection) == [later]
    connection.execute("update quality.reliability_setting set value = 0 where name = 'drift_days'")
    assert changes(connection) == [("west", CHANGED, date(2026, 3, 21), "fell"), later]


def test_a_field_filled_before_the_tested_days_does_not_appear() -> None:
    connection = world([0.5] * 10 + [0.0] * 80 + [0.8] * 40)

    assert changes(connection) == [("west", CHANGED, date(2026, 5, 30), "rose")]
