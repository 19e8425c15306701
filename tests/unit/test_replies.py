"""Which messages under a query's event type are read as its reply."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from etl.check.replies import ReplyReader, count_populated
from etl.flatten.parse import parse_messages
from models.catalog import Catalog, read_catalog
from models.compile.arrow_types import parse_schema
from models.compile.replies import compile_replies, read_as
from models.compile.shapes import ModelShapes

VISIT = {"VisitNumber": "1", "VisitDateTime": "2026-03-02T10:20:30.000Z"}


@cache
def catalog() -> Catalog:
    return read_catalog()


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


def columns_of(*messages: dict[str, Any]) -> tuple[pa.StructArray, pa.Array, Any]:
    shape = ModelShapes(catalog(), "Scheduling").variant(0)
    lines = [json.dumps(message).encode() for message in messages]
    events = pa.array([message["Meta"].get("EventType") for message in messages], pa.string())
    return parse_messages(lines, parse_schema(shape)), events, shape.root


def message(event: str | None, **parts: Any) -> dict[str, Any]:
    return {"Meta": {"DataModel": "Scheduling", "EventType": event}, **parts}


def test_columns_give_what_the_paths_of_each_message_give() -> None:
    messages, events, root = columns_of(
        message("New", Visit=VISIT),
        message("Booked", Visits=[VISIT, VISIT]),
        message("Booked", Visits=[{"VisitNumber": None}, {}], StartDateTime="2026-03-02"),
        message("Booked", Visits=[{"VisitNumber": ""}]),
        message(None, Visits=[VISIT]),
    )
    read = ReplyReader(catalog()).read_events("Scheduling", events, messages, root)
    assert read.to_pylist() == ["New", "BookedResponse", "Booked", "Booked", None]


def test_an_event_type_column_without_replies_is_handed_on() -> None:
    messages, events, root = columns_of(message("New", Visit=VISIT), message("Booked"))
    assert ReplyReader(catalog()).read_events("Scheduling", events, messages, root) is events


def test_a_path_counts_once_per_message_however_often_it_comes() -> None:
    messages, _, root = columns_of(
        message("Booked", Visits=[VISIT, VISIT, {}]), message("Booked", Visits=[{}, VISIT])
    )
    paths = frozenset({"Visits[].VisitNumber", "Visits[].VisitDateTime", "Visits[].Notes[]"})
    assert count_populated(messages, root, paths).tolist() == [2, 2]
    assert count_populated(messages.slice(1), root, paths).tolist() == [2]
