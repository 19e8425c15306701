"""A reply as Redox records it: the reply's body under its query's event type, no EventDateTime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from etl.pipeline.load import load_paths
from etl.settings import Settings, read_settings
from etl.warehouse.rebuild import rebuild_message
from tests.packaged import packaged_plan
from tests.pipeline.small_messages import ask, make_message, opened

META = {
    "DataModel": "Scheduling",
    "EventType": "Booked",
    "Message": {"ID": 5},
    "Source": {"ID": "source-a"},
}
REPLY = {
    "Meta": META,
    "Visits": [
        {"VisitNumber": "1", "VisitDateTime": "2026-03-02T10:20:30.000Z"},
        {"VisitNumber": "2", "Patient": {"Identifiers": [{"ID": "x", "IDType": "MR"}]}},
    ],
}
QUERY = make_message(
    "q", model="Scheduling", event="Booked", StartDateTime="2026-03-02T00:00:00.000Z"
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("replies")
    settings = read_settings(folder / "home")
    _write(folder / "a.ndjson", {"received_at": "2026-03-05T08:00:00Z", "body": json.dumps(QUERY)},
           {"received_at": "2026-03-06T08:00:00Z", "body": json.dumps(REPLY)})  # fmt: skip
    load_paths(settings, [str(folder / "a.ndjson")], unwrap="body")
    return settings


def _write(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_row_is_the_replys_and_the_received_event_type_is_kept(settings: Settings) -> None:
    assert ask(settings, "select event_type from scheduling.message order by message_id") == [
        ("Booked",),
        ("BookedResponse",),
    ]
    assert ask(settings, "select event_type, read_as from core.message order by message_id") == [
        ("Booked", None),
        ("Booked", "BookedResponse"),
    ]


def test_it_is_counted_as_the_reply_on_the_day_it_was_received(settings: Settings) -> None:
    counted = "select event_type, strftime(day, '%Y-%m-%d'), messages from quality.message_count"
    assert sorted(ask(settings, counted)) == [
        ("Booked", "2026-03-02", 1),
        ("BookedResponse", "2026-03-06", 1),
    ]
    paths = ask(settings, "select path, event_type from quality.path_count")
    assert ("Visits[].VisitNumber", "BookedResponse") in paths


def test_one_finding_is_all_that_is_said(settings: Settings) -> None:
    found = ask(settings, "select rule, path, event_type, findings from quality.finding_count")
    assert found == [("reply_under_query_event", "Meta.EventType", "BookedResponse", 1)]
    assert ask(settings, "select * from quality.finding") == []


def test_rebuild_gives_what_came(settings: Settings) -> None:
    ((message_id,),) = ask(settings, "select message_id from core.message where read_as <> ''")
    with opened(settings) as connection:
        rebuilt = rebuild_message(connection, packaged_plan(), message_id)
    assert json.loads(rebuilt) == REPLY
