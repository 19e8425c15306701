"""Values outside closed sets: new or known, flagged or nulled, and what they stand for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.errors import UsageFault
from etl.pipeline.value_policy import nulled_fields
from etl.queries.reading import open_for_reading
from etl.report.conformed import create_conformed_views
from etl.report.views import create_views
from etl.sections import ValueSettings
from etl.settings import Settings, read_settings
from etl.warehouse.rebuild import rebuild_message
from models.catalog import Catalog
from tests.packaged import packaged_plan
from tests.pipeline.small_messages import (
    ask,
    contents,
    load,
    make_message,
    make_patient,
    opened,
    reload_all,
)

SEX = "Patient.Demographics.Sex"
RULES = "select message_id, rule from quality.finding order by all"
COUNTS = (
    "select rule, sum(findings), sum(messages) from quality.finding_count "
    "where severity = 'warning' group by all order by all"
)


def test_a_value_is_new_once_and_known_ever_after(settings: Settings) -> None:
    load(settings, "one", [make_patient("1", {"Sex": "X"}), make_patient("2", {"Sex": "X"})])
    load(settings, "two", [make_patient("3", {"Sex": "X"}), make_patient("4", {"Sex": "Y"})])
    first = ask(settings, "select min(message_id) from core.message")[0][0]
    wanted = [
        (first, "value_not_supported_new"),
        (first + 1, "value_not_supported"),
        (first + 2, "value_not_supported"),
        (first + 3, "value_not_supported_new"),
    ]
    counts = [("value_not_supported", 2, 2), ("value_not_supported_new", 2, 2)]
    assert ask(settings, RULES) == wanted
    assert ask(settings, COUNTS) == counts
    before = contents(settings)

    reload_all(settings)

    assert contents(settings) == before
    assert ask(settings, COUNTS) == counts


def test_new_moves_on_when_the_first_message_is_supported_after_all(settings: Settings) -> None:
    load(settings, "one", [make_patient("1", {"Sex": "X"})])
    _begin_slice(settings, 1)
    load(settings, "two", [make_patient("2", {"Sex": "X"})])
    assert [rule for _, rule in ask(settings, RULES)] == [
        "value_not_supported_new",
        "value_not_supported",
    ]
    _site_line(settings, "value_sets.csv", "value_set,kind,value,note,source", "Sex,closed,X,,site")

    reload_all(settings, slices=(0,))

    assert [rule for _, rule in ask(settings, RULES)] == ["value_not_supported_new"]
    assert ask(settings, COUNTS) == [("value_not_supported_new", 1, 1)]
    last = ask(settings, "select slice, load_id from core.slice_change order by load_id desc")
    assert {row for row in last if row[1] == last[0][1]} == {(0, last[0][1]), (1, last[0][1])}
    reload_all(settings)
    assert ask(settings, RULES) == []
    assert ask(settings, "select * from quality.unsupported_value") == []


def _begin_slice(settings: Settings, number: int) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(
            "update core.warehouse set value = ? where name = 'next_message_id'", [number << 18]
        )


def _site_line(settings: Settings, name: str, header: str, *lines: str) -> None:
    settings.catalog_path.mkdir(parents=True, exist_ok=True)
    (settings.catalog_path / name).write_text("\n".join([header, *lines, ""]), "utf-8")


def test_policy_null_unplaces_values_and_rebuild_gives_them_back(tmp_path: Path) -> None:
    given: Any = {
        "sets": {"Sex": "null"},
        "fields": {"PatientAdmin: Patient.Guarantor.Sex": "flag"},
    }
    settings = read_settings(tmp_path / "home", values=given)
    message = make_patient("1", {"Sex": "m", "Race": "Black"})
    message["Patient"]["Guarantor"] = {"Sex": "m"}
    load(settings, "one", [message, make_patient("2", {"Sex": "Male"})])

    row = ask(
        settings,
        "select patient_demographics_sex, patient_demographics_race, patient_guarantor_sex "
        "from patient_admin.message order by message_id",
    )
    assert row == [(None, "Black", "m"), ("Male", None, None)]
    unplaced = ask(settings, "select path, reason, value from core.unplaced_value")
    assert unplaced == [(SEX, "value_not_supported", '"m"')]
    assert len(ask(settings, RULES)) == 3
    populated = ask(settings, f"select messages from quality.path_count where path = '{SEX}'")
    assert populated == [(2,)]
    with opened(settings) as connection:
        rebuilt = rebuild_message(connection, packaged_plan(), _first_id(settings))
    assert json.loads(rebuilt) == message


def _first_id(settings: Settings) -> int:
    return int(ask(settings, "select min(message_id) from core.message")[0][0])


def test_unknown_names_of_policies_are_told_together(catalog: Catalog) -> None:
    policies = ValueSettings(
        sets={"Nonsense": "null", "PatientClass": "null"}, fields={"No.Such.Path": "null"}
    )
    with pytest.raises(UsageFault) as told:
        nulled_fields(catalog, policies)
    for name in ("Nonsense", "PatientClass", "No.Such.Path"):
        assert name in str(told.value)


def test_a_fields_policy_wins_over_its_sets_and_the_general_one(catalog: Catalog) -> None:
    policies = ValueSettings(
        policy="null", sets={"Sex": "flag"}, fields={f"PatientAdmin: {SEX}": "null"}
    )
    nulled = nulled_fields(catalog, policies)
    assert SEX in nulled["PatientAdmin"]
    assert SEX not in nulled["Scheduling"]
    assert "Patient.Demographics.Race" in nulled["Scheduling"]
    assert "Patient.Demographics.FirstName" not in nulled["Scheduling"]


def test_conformed_views_give_the_supported_value_beside_the_received(settings: Settings) -> None:
    _site_line(
        settings,
        "synonyms.csv",
        "value_set,received,supported,reason",
        "Sex,mann,Male,German",
    )
    received = ["Male", "M", "mann", " MALE", "X"]
    load(settings, "one", [make_patient(str(n), {"Sex": sex}) for n, sex in enumerate(received)])
    with open_for_reading(settings) as connection:
        create_views(connection)
        names = create_conformed_views(connection)
        rows = connection.execute(
            "select patient_demographics_sex, patient_demographics_sex_supported "
            "from patient_admin.message_conformed order by message_id"
        ).fetchall()
    assert "patient_admin.message_conformed" in names
    assert rows == [
        ("Male", "Male"),
        ("M", "Male"),
        ("mann", "Male"),
        (" MALE", "Male"),
        ("X", None),
    ]


def test_a_boolean_is_not_blamed_for_how_it_is_converted(settings: Settings) -> None:
    sent = [True, False, "true", 1, "True"]
    messages = [
        make_message(str(n), model="Media", event="New", Media={"Authenticated": value})
        for n, value in enumerate(sent)
    ]
    load(settings, "one", messages)
    found = ask(
        settings,
        "select item, suggestion from quality.finding join core.message using (message_id)",
    )
    assert sorted(found) == [(2, "True"), (3, "True")]
    listed = ask(settings, "select value, findings from quality.unsupported_value order by all")
    assert listed == [("1", 1), ("true", 1)]
    with open_for_reading(settings) as connection:
        create_views(connection)
        create_conformed_views(connection)
        rows = connection.execute(
            "select media_authenticated, media_authenticated_supported "
            "from media.message_conformed order by message_id"
        ).fetchall()
    assert rows == [
        ("true", "True"),
        ("false", "False"),
        ("true", "True"),
        ("1", "True"),
        ("True", "True"),
    ]
