"""What is asked: files, tables, days, placeholders; every fault of a call at once."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.pull.plan import (
    day_parameters,
    fill,
    find_placeholders,
    plan_requests,
    request_key,
    tell_faults,
)
from etl.pull.records import Request
from etl.pull.requests import Row, Template, read_table, read_templates
from tests.pull.builders import make_query

QUERIES = {("PatientSearch", "Query"): "Response", ("Scheduling", "Booked"): "BookedResponse"}
JSON_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)


def make_plan(*values: dict[str, Any], **given: Any) -> tuple[list[Request], list[str]]:
    faults: list[str] = []
    templates = [Template(f"request {at}", value) for at, value in enumerate(values, start=1)]
    defaults = {"rows": [], "days": [], "partition": "", "queries": QUERIES, "faults": faults}
    return plan_requests(templates, **defaults | given), faults


def bodies(requests: list[Request]) -> list[Any]:
    return [json.loads(request.body) for request in requests]


def make_rows(*ids: str) -> list[Row]:
    return [Row(at, {"patient_id": one, "other": "x"}) for at, one in enumerate(ids, start=1)]


def test_a_template_is_asked_once_per_row_and_day() -> None:
    query = make_query(DataModel="Scheduling", EventType="Booked") | {"Start": "{{day_start}}"}
    days = [date(2026, 1, 1), date(2026, 1, 2)]
    plan, faults = make_plan(query, rows=make_rows("A", "B"), days=days)
    asked = [(body["Patient"]["Identifiers"][0]["ID"], body["Start"]) for body in bodies(plan)]
    first, second = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"
    assert asked == [("A", first), ("B", first), ("A", second), ("B", second)]
    assert faults == []
    assert [request.number for request in plan] == [1, 2, 3, 4]
    assert {request.reply for request in plan} == {"BookedResponse"}


def test_a_template_without_a_column_is_asked_once() -> None:
    plan, _ = make_plan(make_query("P1"), make_query(), rows=make_rows("A", "B", "A"))
    assert len(plan) == 3


def test_equal_requests_are_asked_once_however_spelled() -> None:
    query = make_query("P1")
    turned = dict(reversed(query.items()))
    plan, _ = make_plan(query, turned)
    assert len(plan) == 1


@settings(deadline=None)
@given(st.dictionaries(JSON_TEXT, st.one_of(JSON_TEXT, st.integers(), st.none())))
def test_a_key_ignores_the_order_and_tells_partitions_apart(content: dict[str, Any]) -> None:
    turned = dict(reversed(content.items()))
    assert request_key(content, "a") == request_key(turned, "a") != request_key(content, "b")


@settings(deadline=None)
@given(JSON_TEXT)
def test_a_filled_value_cannot_change_the_request(text: str) -> None:
    query = {"a": "{{patient_id}}", "b": ["<{{ patient_id }}>", 1.5, None, True]}
    filled = fill(query, {"patient_id": text, "other": "never"})
    assert json.loads(json.dumps(filled)) == {"a": text, "b": [f"<{text}>", 1.5, None, True]}


def test_filled_text_is_not_filled_again() -> None:
    assert fill("{{a}}", {"a": "{{b}}", "b": "x"}) == "{{b}}"


def test_placeholders_are_found_at_any_depth() -> None:
    assert find_placeholders({"a": [{"b": "{{x}}-{{ y_1 }}"}], "c": 1}) == {"x", "y_1"}


def test_a_day_ends_where_the_next_begins() -> None:
    end_of_year = day_parameters(date(2026, 12, 31))
    assert end_of_year["day_end"] == day_parameters(date(2027, 1, 1))["day_start"]
    assert end_of_year["next_day"] == "2027-01-01"


@pytest.mark.parametrize(
    ("query", "given", "told"),
    [
        (make_query("P", EventType="Arrival"), {}, "is no query"),
        (make_query("P", EventType="{{patient_id}}"), {"rows": make_rows("Query")}, "is no query"),
        ({"Meta": []}, {}, "is no query"),
        ({}, {}, "is no query"),
        (make_query(), {}, "needs {{patient_id}}, which is no column of a table with rows"),
        (make_query("{{day}}"), {}, "asks for a day"),
        (make_query("{{patient id}}"), {}, "that are no placeholder"),
        (make_query("P") | {"{{patient_id}}": 1}, {}, "or one in a key"),
        (
            make_query(),
            {"rows": make_rows("A", " ")},
            "row 2 of the table has nothing in patient_id",
        ),
        (
            make_query("{{day}}"),
            {"rows": [Row(1, {"day": "x"})], "days": [date(2026, 1, 1)]},
            "column day of the table has the name of a day placeholder",
        ),
    ],
)
def test_a_request_that_cannot_be_sent_is_a_fault(
    query: dict[str, Any], given: dict[str, Any], told: str
) -> None:
    _, faults = make_plan(query, **given)
    assert any(told in fault for fault in faults)


def test_all_faults_are_told_at_once_but_not_endlessly() -> None:
    _, faults = make_plan(*[{}] * 25)
    assert tell_faults(faults).endswith("; and 5 more")


def test_files_and_folders_are_read_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "more"
    (folder / "deep").mkdir(parents=True)
    (tmp_path / "one.json").write_text('\ufeff{"n": 1}', encoding="utf-8")
    (folder / "a.json").write_text('[{"n": 2}, {"n": 3}]')
    (folder / "b.ndjson").write_text('{"n": 4}\n\n{"n": 5}\r\n')
    (folder / "deep" / "c.jsonl").write_text('{"n": 6}')
    (folder / "notes.txt").write_text("not read")
    faults: list[str] = []
    templates = read_templates([tmp_path / "one.json", folder], faults)
    assert [template.value["n"] for template in templates] == [1, 2, 3, 4, 5, 6]
    assert templates[2].place == "request 2 of file 2"
    assert faults == []


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b"{", "file 1 is not JSON"),
        ("a.json", b"", "file 1 is not JSON"),
        ("a.json", b'{"a": NaN}', "file 1 is not JSON"),
        ("a.json", b'{"a": 1e999}', "file 1 is not JSON"),
        ("a.json", b"[" * 100_000, "file 1 is not JSON"),
        ("a.json", b"\xff", "file 1 is not UTF-8 text"),
        ("a.json", b"[1]", "request 1 of file 1 is not a JSON object"),
        ("a.json", b"[]", "no request was found"),
        ("a.ndjson", b"{}\n\n{\n", "line 3 of file 1 is not JSON"),
        ("a.ndjson", b"\n", "no request was found"),
    ],
)
def test_a_file_that_is_no_request_is_a_fault(
    name: str, content: bytes, told: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    faults: list[str] = []
    read_templates([tmp_path / name], faults)
    assert faults == [told] or told in faults[0]


def test_a_missing_path_is_named_by_its_place(tmp_path: Path) -> None:
    faults: list[str] = []
    read_templates([tmp_path / "Jane Doe.json"], faults)
    assert faults == ["path 1 of the call does not exist"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "needs a header line"),
        (b"a,a\n1,2\n", "needs a header line"),
        (b"a,\n1,2\n", "needs a header line"),
        (b"a,b\n1,2\n3\n", "row 2 of the table has 1 cells, not 2"),
        (b'a\n"x', "not well-formed CSV"),
        (b"a\n\xff\n", "is not UTF-8 text"),
    ],
)
def test_a_table_that_is_wrong_is_a_fault(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    faults: list[str] = []
    read_table(tmp_path / "t.csv", faults)
    assert told in faults[0]


def test_cells_are_kept_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(
        b'\xef\xbb\xbfpatient_id,b\r\n 007 ,"a ""b"",\nc"\r\n\r\n8,\r\n'
    )
    faults: list[str] = []
    rows = read_table(tmp_path / "t.csv", faults)
    assert [row.cells for row in rows] == [
        {"patient_id": " 007 ", "b": 'a "b",\nc'},
        {"patient_id": "8", "b": ""},
    ]
    assert [row.number for row in rows] == [1, 2]
