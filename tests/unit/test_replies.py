"""Which messages under a query's event type are read as its reply."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from models.catalog import Catalog
from models.compile.replies import compile_replies, read_as
from tests.kernel.one_message import run_messages
from tests.packaged import packaged_catalog

VISIT = {"VisitNumber": "1", "VisitDateTime": "2026-03-02T10:20:30.000Z"}


@cache
def catalog() -> Catalog:
    return packaged_catalog()


@pytest.mark.parametrize(
    ("data_model", "event_type", "populated", "event_type_read"),
    [
        ("Scheduling", "Booked", ["Visits[].VisitNumber"], "BookedResponse"),
        ("Scheduling", "Booked", ["Patient.Identifiers[].ID", "StartDateTime"], "Booked"),
        ("Scheduling", "Booked", ["StartDateTime", "Visits[].VisitNumber"], "Booked"),
        ("Scheduling", "Booked", [], "Booked"),
        ("Scheduling", "New", ["Visits[].VisitNumber"], "New"),
        ("PatientSearch", "Query", ["Patient.Demographics.FirstName"], "Query"),
        ("PatientSearch", "Query", ["Patient.PCP.NPI"], "Response"),
        ("PatientSearch", "Query", ["PotentialMatches[].Identifiers[].ID"], "Response"),
        ("PatientSearch", "Query", ["Meta.Source.ID"], "Query"),
        ("Clinical Summary", "DocumentGet", ["Document.ID", "Data"], "DocumentGetResponse"),
    ],
)
def test_the_paths_that_only_one_of_the_two_lists_decide(
    data_model: str, event_type: str, populated: list[str], event_type_read: str
) -> None:
    shapes = compile_replies(catalog(), data_model)
    assert read_as(event_type, populated, shapes) == event_type_read


def test_every_query_of_the_catalog_can_be_told_from_its_reply() -> None:
    for name, model in catalog().data_models.items():
        shapes = compile_replies(catalog(), name)
        assert set(shapes) == {event.event_type for event in model.event_types if event.reply}
        assert all(shape.only_reply for shape in shapes.values()), name


def message(event: str | None, **parts: Any) -> bytes:
    return json.dumps({"Meta": {"DataModel": "Scheduling", "EventType": event}, **parts}).encode()


def events_read(*messages: bytes) -> list[str | None]:
    """The event type by which the kernel reads each message."""
    result = run_messages(*messages)
    read: dict[int, str | None] = {}
    for batch in result.batches:
        facts = batch.facts
        read |= dict(zip(facts.message.tolist(), facts.event_type.to_pylist(), strict=True))
    return [read[number] for number in range(len(messages))]


def test_columns_give_what_the_paths_of_each_message_give() -> None:
    assert events_read(
        message("New", Visit=VISIT),
        message("Booked", Visits=[VISIT, VISIT]),
        message("Booked", Visits=[{"VisitNumber": None}, {}], StartDateTime="2026-03-02"),
        message("Booked", Visits=[{"VisitNumber": ""}]),
        message(None, Visits=[VISIT]),
    ) == ["New", "BookedResponse", "Booked", "Booked", None]


def test_a_path_counts_once_per_message_however_often_it_comes() -> None:
    many = {"Visits": [VISIT, VISIT, {}], "StartDateTime": "2026-03-02T10:20:30.000Z"}
    many["EndDateTime"] = "2026-03-02T10:20:30.000Z"
    assert events_read(message("Booked", **many), message("Booked", Visits=[{}, VISIT])) == [
        "Booked",
        "BookedResponse",
    ]
