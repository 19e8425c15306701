"""Every planted fault is found with its rule, path and ordinals, and nothing else is called one.

The truth is what `etl.synth` planted, proven by the slow reference; it knows nothing of the loader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from etl.settings import read_settings
from etl.synth import Dials
from etl.synth.dials import FAULTS, Shares, SourceDial
from models.catalog import Catalog
from models.catalog.records import Severity
from tests.pipeline.loaded_world import World

SHARES = Shares(**dict.fromkeys(FAULTS, 0.25), duplicates=0.1, same_log_id=0.05)
SOURCES = (SourceDial("A"), SourceDial("B", facilities=("X", "Y")))
NEW = "_new"
OUTSIDE = "value_not_supported"
BY_ANALOGY = "value_not_supported_by_analogy"
Place = tuple[int, str, str, tuple[int, ...]]


@pytest.fixture(scope="module", params=[1, pytest.param(2, marks=pytest.mark.slow)])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, catalog: Catalog
) -> World:
    folder = tmp_path_factory.mktemp("truth")
    dials = Dials(messages=333, seed=request.param, days=2, shares=SHARES, sources=SOURCES)
    world = World(folder, catalog, read_settings(folder / "home"), dials)
    world.load()
    return world


def planted(world: World, is_wanted: Callable[[Severity], bool]) -> Iterator[dict[str, Any]]:
    """Everything planted in loaded messages whose rule is of a wanted severity."""
    for line in world.truth:
        for fault in line["planted"] if line["outcome"] == "loaded" else ():
            if fault["rule"] and is_wanted(world.catalog.rules[fault["rule"]].severity):
                yield {**fault, "item": line["item"]}


def place_of(fault: dict[str, Any]) -> Place:
    return fault["item"], fault["rule"], fault["path"], tuple(fault["ordinals"])


def ask(world: World, query: str) -> list[tuple[Any, ...]]:
    with world.warehouse() as connection:
        return connection.execute(query).fetchall()


def places(world: World, query: str) -> Counter[Place]:
    rows = ask(world, query)
    return Counter((item, rule, path, tuple(ordinals)) for item, rule, path, ordinals in rows)


def test_warnings_and_errors_are_exactly_what_was_planted(world: World) -> None:
    wanted = Counter(
        (*place_of(fault), fault["value_set"], fault["suggestion"])
        for fault in planted(world, lambda severity: severity is not Severity.INFO)
    )
    rows = ask(
        world,
        "select item, rule, path, ordinals, value_set, suggestion "
        "from quality.finding join core.message using (message_id)",
    )
    found = Counter(
        (item, rule.removesuffix(NEW), path, tuple(ordinals), value_set, suggestion)
        for item, rule, path, ordinals, value_set, suggestion in rows
    )
    assert found == wanted
    assert len({rule for _, rule, *_ in wanted}) > 8


def test_counts_say_what_the_findings_say(world: World) -> None:
    listed = ask(
        world,
        "select rule, path, day, f.source_id, f.data_model, f.event_type, count(*), "
        "count(distinct message_id) from quality.finding f group by all",
    )
    counted = ask(
        world,
        "select rule, path, day, source_id, data_model, event_type, sum(findings), sum(messages) "
        "from quality.finding_count where severity <> 'info' group by all",
    )
    assert sorted(map(str, listed)) == sorted(map(str, counted))


def test_the_first_finding_of_a_value_is_new_and_no_other(world: World) -> None:
    seen: set[tuple[str, str, str]] = set()
    wanted = set()
    rows = ask(
        world,
        "select message_id, data_model, path, ordinals, rule from quality.finding "
        f"where starts_with(rule, '{OUTSIDE}') order by message_id, path, ordinals",
    )
    values = values_outside(world)
    for message_id, data_model, path, ordinals, _ in rows:
        value = values[message_id, path, tuple(ordinals)]
        if (data_model, path, value) not in seen:
            seen.add((data_model, path, value))
            wanted.add((message_id, path, tuple(ordinals)))
    marked = {(m, p, tuple(o)) for m, _, p, o, rule in rows if rule.endswith(NEW)}
    assert marked == wanted
    assert wanted


def values_outside(world: World) -> dict[tuple[int, str, tuple[int, ...]], str]:
    """The received value at the place of every finding of a value, read from the payloads."""
    ids = dict(ask(world, "select item, message_id from core.message"))
    found = {}
    for fault in planted(world, lambda _: True):
        if fault["rule"] in (OUTSIDE, BY_ANALOGY):
            value: Any = world.payloads[fault["item"]]
            ordinals = iter(fault["ordinals"])
            for key in fault["path"].split("."):
                value = value.get(key.removesuffix("[]"))
                value = value[next(ordinals) - 1] if key.endswith("[]") else value
            found[ids[fault["item"]], fault["path"], tuple(fault["ordinals"])] = value
    return found


def test_listed_values_outside_their_set_are_those_received(world: World) -> None:
    ids = {
        message_id: item
        for item, message_id in ask(world, "select item, message_id from core.message")
    }
    models = {item: line["data_model"] for item, line in enumerate(world.truth)}
    wanted = Counter(
        (models[ids[message_id]], path, value)
        for (message_id, path, _), value in values_outside(world).items()
    )
    listed = ask(
        world,
        "select data_model, path, value, sum(findings) from quality.unsupported_value group by all",
    )
    assert {row[:3]: int(row[3]) for row in listed} == dict(wanted)


def test_oddities_without_warning_are_kept_where_they_were_planted(world: World) -> None:
    kept = places(
        world,
        "select item, rule, path, ordinals from core.received_form join core.message using (message_id) "
        "union all select item, reason, path, ordinals "
        "from core.unplaced_value join core.message using (message_id) "
        "union all select item, 'extension', owner_path, ordinals "
        "from core.extension join core.message using (message_id)",
    )
    counted_only = {
        "path_not_listed_for_event", "log_id_conflict", "reply_under_query_event", BY_ANALOGY,
    }  # fmt: skip
    wanted = Counter(
        place_of(fault)
        for fault in planted(world, lambda severity: severity is Severity.INFO)
        if fault["rule"] not in counted_only
    )
    assert wanted - kept == Counter()
    everything = {place_of(fault) for fault in planted(world, lambda _: True)}
    assert {place for place in kept if place not in everything} == set()


def test_paths_an_event_does_not_list_are_counted_per_message(world: World) -> None:
    wanted = Counter(
        fault["path"]
        for fault in planted(world, lambda severity: severity is Severity.INFO)
        if fault["rule"] == "path_not_listed_for_event"
    )
    counted = ask(
        world,
        "select path, sum(messages) from quality.finding_count "
        "where rule = 'path_not_listed_for_event' group by path",
    )
    assert {path: int(count) for path, count in counted} == dict(wanted)


def test_quarantined_items_have_the_reason_that_was_planted(world: World) -> None:
    wanted = {
        line["item"]: line["reason"] for line in world.truth if line["outcome"] == "quarantined"
    }
    assert dict(ask(world, "select item, reason from core.quarantine")) == wanted
    assert set(wanted.values()) <= set(world.catalog.rules)
