"""Every rule has its sentences and a message that breaks it, found by the whole pipeline.

A rule without a case here fails the build, as does a case without a rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from etl.check.time_forms import TimeRule
from etl.kernel.exact import Conformed, ExactWay
from etl.pipeline.load import load_paths
from etl.settings import Settings, read_settings
from etl.warehouse.connection import open_warehouse
from models.catalog import Catalog
from models.catalog.records import Severity

MAX_BYTES = 20_000
BIRTH, VISIT = "Patient.Demographics.DOB", "Visit.VisitDateTime"
NAME, CITY = "Patient.Demographics.FirstName", "Patient.Demographics.Address.City"
EARLIER, LATER = "2026-03-02T10:20:30.000Z", "2026-03-02T11:20:30.000Z"
Found = tuple[str, tuple[int, ...]]


def message(log_id: str, *, event: str = "Arrival", **parts: Any) -> dict[str, Any]:
    meta = {
        "DataModel": "PatientAdmin",
        "EventType": event,
        "EventDateTime": "2026-03-02T10:20:30.000Z",
        "Logs": [{"ID": log_id}],
    }
    return {"Meta": meta, **parts}


def born(text: str) -> dict[str, Any]:
    return message(f"born {text}", Patient={"Demographics": {"DOB": text}})


def visited(text: str) -> dict[str, Any]:
    return message(f"visited {text}", Visit={"VisitDateTime": text})


def named(value: Any) -> dict[str, Any]:
    return message(f"named {value}", Patient={"Demographics": {"FirstName": value}})


def sexed(log_id: str, sex: str) -> dict[str, Any]:
    return message(log_id, Patient={"Demographics": {"Sex": sex}})


def lived(log_id: str, **demographics: Any) -> dict[str, Any]:
    return message(log_id, Patient={"Demographics": demographics})


def measured(log_id: str, result: dict[str, Any], **order: Any) -> dict[str, Any]:
    """A message with one result of one order."""
    own = message(log_id, event="New", Orders=[{**order, "Results": [result]}])
    return {**own, "Meta": {**own["Meta"], "DataModel": "Results"}}


def flagged(log_id: str, flag: str) -> dict[str, Any]:
    """A message whose flag has its value set by analogy only."""
    own = message(log_id, event="New", Observations=[{"AbnormalFlag": flag}])
    return {**own, "Meta": {**own["Meta"], "DataModel": "Flowsheet"}}


def balanced(number: str) -> bytes:
    """A message with an amount of money, as spelled."""
    body = message(f"balanced {number}", Visit={"Balance": 0})
    return json.dumps(body).replace('"Balance": 0', f'"Balance": {number}').encode()


def nested(depth: int) -> bytes:
    return b'{"Meta":{"DataModel":"PatientAdmin"},"X":%b1%b}' % (b"[" * depth, b"]" * depth)


# rule -> the message that breaks it, and where it is found
MESSAGES: Mapping[str, tuple[Any, Found]] = {
    "age_over_120": (lived("l", DOB="1890-03-02"), (BIRTH, ())),
    "birth_after_death": (
        lived("m", DOB="2020-03-02", DeathDateTime="2019-03-02T10:20:30.000Z"),
        (BIRTH, ()),
    ),
    "birth_after_event": (lived("n", DOB="2027-03-02"), (BIRTH, ())),
    "discharge_before_admission": (
        message("o", Visit={"VisitDateTime": LATER, "DischargeDateTime": EARLIER}),
        ("Visit.DischargeDateTime", ()),
    ),
    "end_before_start": (
        message(
            "p",
            Visit={"Insurances": [{"EffectiveDate": "2026-03-02", "ExpirationDate": "2025-03-02"}]},
        ),
        ("Visit.Insurances[].ExpirationDate", (1,)),
    ),
    "flag_contradicts_value": (
        measured(
            "q",
            {"Value": "12", "AbnormalFlag": "Normal", "ReferenceRange": {"Low": 5, "High": 10}},
        ),
        ("Orders[].Results[].Value", (1, 1)),
    ),
    "reference_range_reversed": (
        measured("r", {"ReferenceRange": {"Low": 10, "High": 5}}),
        ("Orders[].Results[].ReferenceRange.Low", (1, 1)),
    ),
    "result_before_collection": (
        measured("s", {"CompletionDateTime": EARLIER}, CollectionDateTime=LATER),
        ("Orders[].Results[].CompletionDateTime", (1, 1)),
    ),
    "array_for_object": (message("a", Patient=[{"Notes": ["n"]}]), ("Patient", ())),
    "array_too_long_for_object": (message("b", Visit=[{}, {"VisitNumber": "1"}]), ("Visit", ())),
    "duplicate_key": (
        json.dumps(named("x")).replace('"FirstName"', '"FirstName": "y", "FirstName"').encode(),
        (NAME, ()),
    ),
    "event_type_unlisted": (message("c", event="Nothing"), ("Meta.EventType", ())),
    "event_type_retired": (
        {"Meta": {"DataModel": "Vaccination", "EventType": "New", "Logs": [{"ID": "t"}]}},
        ("Meta.EventType", ()),
    ),
    "extension": (
        message("d", Patient={"Extensions": {"s": {"url": "u", "string": "v"}}}),
        ("Patient", ()),
    ),
    "extension_shape": (message("e", Patient={"Extensions": ["x"]}), ("Patient.Extensions", ())),
    "invalid_unicode": (
        json.dumps(named("x")).replace(': "x"', ': "x\\ud83d"').encode(),
        (NAME, ()),
    ),
    "log_id_conflict": (message("a", Visit={"VisitNumber": "2"}), ("Meta.Logs[].ID", ())),
    "number_inexact": (balanced("0.12345"), ("Visit.Balance", ())),
    "number_spelling": (balanced("30.0"), ("Visit.Balance", ())),
    "object_for_array": (
        message("f", Patient={"Identifiers": {"ID": "1"}}),
        ("Patient.Identifiers[]", ()),
    ),
    "path_not_listed_for_event": (
        message("g", event="VisitQuery", Patient={"Demographics": {"FirstName": "x"}}),
        (NAME, ()),
    ),
    "reply_under_query_event": (
        message("k", event="VisitQuery", Patients=[{"Visits": [{"VisitNumber": "1"}]}]),
        ("Meta.EventType", ()),
    ),
    "time_blank_for_t": (visited("2026-03-02 10:20:30.000Z"), (VISIT, ())),
    "time_colon_before_ms": (visited("2026-03-02T10:20:30:000Z"), (VISIT, ())),
    "time_compact_hl7": (visited("20260302102030"), (VISIT, ())),
    "time_date_only": (visited("2026-03-02"), (VISIT, ())),
    "time_datetime_on_date": (born("1980-03-02T10:20:30.000Z"), (BIRTH, ())),
    "time_implausible": (born("1900-01-01"), (BIRTH, ())),
    "time_impossible": (born("1984-02-30"), (BIRTH, ())),
    "time_leap_second": (visited("2016-12-31T23:59:60.000Z"), (VISIT, ())),
    "time_decimal_comma": (visited("2026-03-02T10:20:30,123Z"), (VISIT, ())),
    "time_end_of_day": (visited("2026-03-02T24:00:00.000Z"), (VISIT, ())),
    "time_trailing_nul": (visited("2026-03-02T10:20:30.000Z\0"), (VISIT, ())),
    "time_zone_word": (visited("2026-03-02T10:20:30.000 UTC"), (VISIT, ())),
    "time_letter_case": (visited("2026-03-02t10:20:30.000z"), (VISIT, ())),
    "time_no_milliseconds": (visited("2026-03-02T10:20:30Z"), (VISIT, ())),
    "time_no_zone": (visited("2026-03-02T10:20:30.000"), (VISIT, ())),
    "time_offset_converted": (visited("2026-03-02T10:20:30.000+02:00"), (VISIT, ())),
    "time_precision": (visited("2026-03-02T10:20:30.1234567Z"), (VISIT, ())),
    "time_surrounding_space": (born(" 1980-03-02"), (BIRTH, ())),
    "time_unpadded": (born("1980-3-2"), (BIRTH, ())),
    "time_year": (born("1980"), (BIRTH, ())),
    "time_year_month": (born("1980-03"), (BIRTH, ())),
    "type_converted": (named(53703), (NAME, ())),
    "type_misfit": (named({"x": "y"}), (NAME, ())),
    "unlisted_key": (message("h", Patient={"Shoe": 41}), ("Patient.Shoe", ())),
    "value_not_supported_by_analogy": (
        flagged("t", "Odd"),
        ("Observations[].AbnormalFlag", (1,)),
    ),
    "value_not_supported_new": (sexed("i", "Man"), ("Patient.Demographics.Sex", ())),
    "value_not_supported": (sexed("j", "Man"), ("Patient.Demographics.Sex", ())),
}
# reason -> an item that is not a loadable message for it
ITEMS: Mapping[str, bytes] = {
    "bad_utf8": b'{"Meta":{"DataModel":"\xff"}}',
    "fhir_message": b'{"resourceType":"Bundle","type":"message"}',
    "likely_windows_1252": b'{"Meta":{"DataModel":"Caf\xe9"}}',
    "no_meta": b'{"Patient":{}}',
    "non_finite_number": b'{"Meta":{"DataModel":"PatientAdmin"},"X":NaN}',
    "not_json": b'{"Meta":}',
    "not_object": b'"text"',
    "other_format": b"PK\x03\x04",
    "too_deep": nested(200),
    "too_large": b'{"Meta":{"DataModel":"PatientAdmin"},"X":"%b"}' % (b"x" * MAX_BYTES),
    "unknown_data_model": b'{"Meta":{"DataModel":"Nothing","EventType":"New"}}',
}
# reasons that need an input of their own, see the tests below
APART = {
    "bad_envelope",
    "bad_row",
    "likely_utf_16",
    "likely_utf_32",
    "not_loadable",
    "several_messages",
    "too_many_items",
    "truncated",
}


def test_every_rule_has_a_case_and_every_case_a_rule(catalog: Catalog) -> None:
    assert MESSAGES.keys() | ITEMS.keys() | APART == catalog.rules.keys()
    reasons = {rule.code for rule in catalog.rules.values() if rule.area == "quarantine"}
    assert ITEMS.keys() | APART == reasons
    assert {rule for rule in catalog.rules if rule.startswith("time_")} == set(TimeRule)


def test_every_rule_says_what_it_means_and_what_to_do(catalog: Catalog) -> None:
    for rule in catalog.rules.values():
        assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", rule.code)
        for sentence in (rule.meaning, rule.action):
            assert sentence[0].isupper() and sentence.endswith("."), rule.code
    errors = {rule for rule in catalog.rules.values() if rule.severity is Severity.ERROR}
    stored = {rule.code for rule in errors if rule.area != "quarantine"}
    assert stored == {"time_impossible", "type_misfit"}, "a value is missing from its column"
    assert all(rule in errors for rule in catalog.rules.values() if rule.area == "quarantine")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home into which one message for every rule was loaded."""
    folder = tmp_path_factory.mktemp("rules")
    settings = read_settings(folder / "home", load={"max_message_bytes": MAX_BYTES})
    bodies = [case if isinstance(case, bytes) else _line(case) for case, _ in MESSAGES.values()]
    (folder / "messages.ndjson").write_bytes(b"\n".join([*bodies, *ITEMS.values(), b""]))
    (folder / "cut.json").write_bytes(b'{"Meta":{"DataModel":"Patient')
    load_paths(settings, [str(folder / "messages.ndjson"), str(folder / "cut.json")])
    return settings


def _line(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload).encode()


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("rule", MESSAGES)
def test_a_message_that_breaks_a_rule_is_found_by_it(
    settings: Settings, catalog: Catalog, rule: str
) -> None:
    _, (path, ordinals) = MESSAGES[rule]
    item = list(MESSAGES).index(rule)
    counted = ask(
        settings, f"select path from quality.finding_count where rule = '{rule}' and severity = "
        f"'{catalog.rules[rule].severity}'",
    )  # fmt: skip
    assert (path,) in counted
    listed = ask(
        settings,
        "select path, ordinals from quality.finding join core.message using (message_id) "
        f"where rule = '{rule}' and item = {item}",
    )
    wanted = [] if catalog.rules[rule].severity is Severity.INFO else [(path, list(ordinals))]
    assert listed == wanted


def test_messages_break_no_rule_but_their_own(settings: Settings) -> None:
    rules = list(MESSAGES)
    found = ask(
        settings,
        "select item, rule from quality.finding join core.message using (message_id) order by item",
    )
    assert [rules[item] for item, _ in found] == [rule for _, rule in found]


def test_items_are_quarantined_with_their_reason(settings: Settings) -> None:
    found = ask(settings, "select reason from core.quarantine order by quarantine_id")
    assert [reason for (reason,) in found] == [*ITEMS, "truncated"]


def test_a_broken_envelope_is_quarantined(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "home")
    path = tmp_path / "rows.ndjson"
    path.write_text('{"received_at": "2026-03-02T10:20:30Z"}\n')
    load_paths(settings, [str(path)], unwrap="body")
    assert ask(settings, "select reason from core.quarantine") == [("bad_envelope",)]


def test_the_rest_of_too_many_small_items_is_quarantined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_LOAD__MAX_SMALL_ITEMS", "2")
    settings = read_settings(tmp_path / "home")
    path = tmp_path / "small.ndjson"
    path.write_bytes(b"{}\n" * 100 + _line(named("x")))
    summary = load_paths(settings, [str(path)])
    assert (summary.received, summary.quarantined) == (3, 3)
    assert ask(settings, "select reason from core.quarantine order by all") == [
        ("no_meta",), ("no_meta",), ("too_many_items",)
    ]  # fmt: skip


def test_what_the_parser_refuses_after_all_is_quarantined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.kernel.exact._encodable", lambda _: {"NoSuchKey": 1})
    settings = read_settings(tmp_path / "home")
    path = tmp_path / "messages.ndjson"
    path.write_bytes(_line(named("x") | {"Unlisted": 1}))
    summary = load_paths(settings, [str(path)])
    assert (summary.loaded, summary.quarantined) == (0, 1)
    assert ask(settings, "select reason from core.quarantine") == [("not_loadable",)]
    assert ask(settings, "select * from quality.message_count") == []


def test_a_fault_of_ours_in_one_message_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conform = ExactWay.conform

    def stumble(self: ExactWay, raw: bytes) -> Conformed:
        if b"stumbling" in raw:
            raise ValueError("a fault with stumbling data in its text")
        return conform(self, raw)

    monkeypatch.setattr("etl.kernel.exact.ExactWay.conform", stumble)
    settings = read_settings(tmp_path / "home")
    path = tmp_path / "messages.ndjson"
    odd = [named(name) | {"Unlisted": 1} for name in ("x", "stumbling", "y")]
    path.write_bytes(b"\n".join(map(_line, odd)))
    summary = load_paths(settings, [str(path)])
    assert (summary.loaded, summary.quarantined) == (2, 1)
    assert ask(settings, "select reason, item from core.quarantine") == [("not_loadable", 1)]
