"""`redox-warehouse findings`: counts, places and values, through the command line's door."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click import Command
from click.testing import CliRunner

from etl.cli.drift import drift
from etl.cli.findings import findings as command
from etl.cli.opening import open_loader
from etl.errors import UsageFault
from etl.pipeline.publish import publish
from etl.pipeline.quarantine import resolve
from etl.queries import reading
from etl.queries.findings import (
    Chosen,
    count_findings,
    count_open_quarantine,
    find_places,
    find_values,
)
from etl.queries.messages import received_bytes
from etl.queries.reading import open_newest
from etl.settings import Settings, read_settings
from etl.warehouse.connection import write_lock
from tests.pipeline.small_messages import load, make_message, make_patient

SLOT = "2016-08-01 14:00:00.000Z"
VALUES = ("X-ray", SLOT, "Garbage", "no such day")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = read_settings(tmp_path_factory.mktemp("findings") / "home")
    load(
        settings,
        "messages",
        [
            make_patient("1", {"Sex": "X-ray", "Race": "Black"}),
            make_patient(
                "2", {"Sex": "X-ray", "DOB": "no such day"}, at="2026-04-02T00:00:00.000Z"
            ),
            make_message(
                "3",
                model="Scheduling",
                event="PushSlots",
                source="b",
                Slots=[{"Duration": "5"}, {"DateTime": SLOT}, {"DateTime": SLOT}],
            ),
            make_patient("4", {"Garbage in": 1}, event="New Patient!"),
        ],
    )
    return settings


def invoke(settings: Settings, *arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, obj=settings)
    assert result.exception is None, result.exception
    for value in VALUES:
        assert value not in result.output
    return result.output


def refusal(settings: Settings, asked: Command, arguments: list[str]) -> str:
    result = CliRunner().invoke(asked, arguments, obj=settings)
    assert isinstance(result.exception, UsageFault)
    return str(result.exception)


def as_json(settings: Settings, *arguments: str) -> list[dict[str, Any]]:
    answer: dict[str, Any] = json.loads(invoke(settings, "--json", *arguments))
    assert answer["as_of"] == "warehouse"
    found: list[dict[str, Any]] = answer["findings"]
    return found


def test_findings_are_counted_by_rule_and_path_worst_first(loaded: Settings) -> None:
    lines = [
        (line["severity"], line["rule"], line["path"], line["findings"], line["messages"])
        for line in as_json(loaded)
    ]
    assert lines == [
        ("error", "time_impossible", "Patient.Demographics.DOB", 1, 1),
        ("warning", "time_blank_for_t", "Slots[].DateTime", 2, 1),
        ("warning", "event_type_unlisted", "Meta.EventType", 1, 1),
        ("warning", "value_not_supported", "Patient.Demographics.Sex", 1, 1),
        ("warning", "value_not_supported_new", "Patient.Demographics.Race", 1, 1),
        ("warning", "value_not_supported_new", "Patient.Demographics.Sex", 1, 1),
    ]


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--rule", "time_impossible"], 1),
        (["--model", "Scheduling"], 2),
        (["--source", "b"], 2),
        (["--event", "PushSlots"], 2),
        (["--path", "Patient.Demographics"], 4),
        (["--path", "Patient.Contacts"], 0),
        (["--path", "Slots[]"], 2),
        (["--since", "2026-03-03"], 2),
        (["--until", "2026-03-03"], 5),
        (["--since", "2026-03-02", "--until", "2026-03-03", "--source", "source-a"], 3),
        (["--severity", "error"], 1),
        (["--severity", "info"], 2),
        (["--severity", "all"], 9),
    ],
)
def test_choices_narrow_what_is_counted(loaded: Settings, arguments: list[str], count: int) -> None:
    assert sum(line["findings"] for line in as_json(loaded, *arguments)) == count


def test_groups_are_chosen_and_messages_only_told_where_they_add_up(loaded: Settings) -> None:
    by_source = as_json(loaded, "--by", "source", "--by", "month")
    assert [(line["source"], line["month"], line["findings"]) for line in by_source] == [
        ("source-a", "2026-04", 1),  # errors come first
        ("source-a", "2026-03", 3),
        ("b", "2026-03", 2),
        ("source-a", "2026-04", 1),
    ]
    assert "messages" not in by_source[0]
    assert {line["event"] for line in as_json(loaded, "--by", "event")} == {
        "Arrival",
        "PushSlots",
        "*",
    }


def test_a_finding_leads_to_its_message(loaded: Settings) -> None:
    place = as_json(loaded, "--messages", "--rule", "time_blank_for_t")[-1]
    assert (place["path"], place["ordinals"]) == ("Slots[].DateTime", [3])
    with open_loader(loaded) as loader:
        payload = json.loads(received_bytes(loader, place["message_id"]))
    assert payload["Slots"][place["ordinals"][0] - 1]["DateTime"] == SLOT


def test_tables_explain_their_rules_and_show_no_odd_key(loaded: Settings) -> None:
    shown = invoke(loaded, "--severity", "all")
    assert "The text is not a date or time that exists" in shown
    assert 'Patient.Demographics["*"]' in shown


@pytest.mark.parametrize("arguments", [(), ("--messages",)])
def test_a_list_that_is_cut_says_so(loaded: Settings, arguments: tuple[str, ...]) -> None:
    assert "There are more; --limit 20 shows them." in invoke(loaded, "--limit", "2", *arguments)
    assert "There are more" not in invoke(
        loaded, "--limit", "6", *arguments, "--rule", "time_impossible"
    )


def test_values_are_for_terminals_only(loaded: Settings) -> None:
    result = CliRunner().invoke(command, ["--values"], obj=loaded)
    assert isinstance(result.exception, UsageFault)
    with open_newest(loaded) as (connection, _):
        values = find_values(connection, Chosen(), limit=100)
    found = {(one.rule, one.received, one.suggestion, one.findings) for one in values}
    assert found == {
        ("value_not_supported", "X-ray", "", 2),
        ("value_not_supported", "Black", "Black or African American", 1),
        ("time_blank_for_t", f'"{SLOT}"', "", 2),
        ("time_impossible", '"no such day"', "", 1),
    }


def test_nothing_found_is_said(settings: Settings) -> None:
    load(settings, "clean", [make_patient("1", {"Sex": "Male"})])
    assert "Nothing was found" in invoke(settings)
    assert "Nothing was found" in invoke(settings, "--messages")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rule", "zzz"], "There is no rule zzz; name one of age_over_120, "),
        (["--rule", "tme_impossible"], "There is no rule tme_impossible (near: time_impossible)"),
        (["--model", "ClinicalSummary"], "There is no data model ClinicalSummary (near: Clinical"),
    ],
)
@pytest.mark.parametrize("asked", [command, drift], ids=["findings", "drift"])
def test_a_name_that_stands_for_nothing_is_no_answer(
    loaded: Settings, asked: Command, arguments: list[str], sentence: str
) -> None:
    assert sentence in refusal(loaded, asked, arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--event", "Arival"], "There is no event type Arival (near: Arrival)"),
        (["--source", "c"], "There is no source c; name one of b, source-a."),
        (["--path", "Patient.Demo"], "There is no path Patient.Demo, neither listed nor received"),
    ],
)
def test_a_feed_or_path_that_stands_for_nothing_is_no_answer(
    loaded: Settings, arguments: list[str], sentence: str
) -> None:
    told = refusal(loaded, command, arguments)
    assert sentence in told
    assert "New Patient!" not in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["--event", "New Patient!"],
        ["--path", "Slots"],
        ["--path", 'Patient.Demographics["*"]'],
    ],
)
def test_what_was_received_is_known(loaded: Settings, arguments: list[str]) -> None:
    assert as_json(loaded, *arguments, "--severity", "all")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--until", "2026-03-02", "--since", "2026-03-02"], "give them in order"),
        (["--messages", "--by", "rule"], "give one"),
    ],
)
def test_options_that_contradict_each_other_are_no_answer(
    loaded: Settings, arguments: list[str], sentence: str
) -> None:
    assert sentence in refusal(loaded, command, arguments)


def test_what_is_no_message_is_told_too(settings: Settings) -> None:
    load(settings, "clean", [make_patient("1", {"Sex": "Male"}), {"Patient": {}}, {"Visit": {}}])
    assert "2 items are in quarantine; see `redox-warehouse quarantine list`." in invoke(settings)
    answer = json.loads(invoke(settings, "--json"))
    assert (answer["findings"], answer["open_quarantine"]) == ([], 2)
    publish(settings)
    with (
        write_lock(settings.warehouse_path, wait_s=1),
        open_newest(settings) as (connection, _),
    ):
        assert count_open_quarantine(connection) == 2
    with open_loader(settings) as loader:
        resolve(loader, [1, 2])
    assert "quarantine" not in invoke(settings)


def test_without_a_warehouse_the_way_to_one_is_told(settings: Settings) -> None:
    result = CliRunner().invoke(command, [], obj=settings)
    assert "redox-warehouse load" in str(result.exception)


def test_while_a_load_writes_the_published_version_answers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "WAIT_BESIDE_PUBLISHED_S", 0.1)
    load(settings, "one", [make_patient("1", {"Sex": "X"})])
    publish(settings)
    load(settings, "two", [make_patient("2", {"DOB": "no such day"})])
    with (
        write_lock(settings.warehouse_path, wait_s=1),
        open_newest(settings) as (connection, place),
    ):
        groups = count_findings(connection, Chosen())
        places = find_places(connection, Chosen())
        values = find_values(connection, Chosen())
    assert place == "published version 1"
    assert [group.keys["rule"] for group in groups] == ["value_not_supported_new"]
    assert (len(places), places[0].ordinals, values[0].received) == (1, (), "X")
    assert len(as_json(settings)) == 2
