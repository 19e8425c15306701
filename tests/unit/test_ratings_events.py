"""Which event type a page describes: who says so, and what happens when they disagree."""

from __future__ import annotations

from functools import cache

import pytest

from etl.ratings.events import EventNames, EventVerdict, find_event, read_sample
from etl.ratings.records import Entry, Page
from tests.packaged import packaged_catalog


@cache
def names() -> EventNames:
    return EventNames(packaged_catalog())


def make_entry(name: str, text: str) -> Entry:
    return Entry(1, 0, name, None, None, None, text)


def weigh(
    *,
    model: str = "",
    event: str = "",
    sample: str | None = None,
    title: str = "",
    address: str = "",
    file: str = "saved.html",
    heading: str = "",
) -> EventVerdict:
    page = Page(file, title, address, (), is_plain=False)
    entries = [make_entry("Meta.DataModel", model), make_entry("Meta.EventType", event)]
    return find_event(page, entries, sample, names(), heading=heading)


@pytest.mark.parametrize(
    "witness",
    [
        {"model": "PatientAdmin", "event": "NewPatient"},
        {"sample": '{"Meta": {"DataModel": "PatientAdmin", "EventType": "NewPatient"}}'},
        {"address": "https://example.org/x/patient-admin/patient-admin-new-patient"},
        {"address": "https://example.org/permalink/patient-admin-new-patient/?v=1#fields"},
        {"address": "https://example.org/PatientAdmin.html", "event": "NewPatient"},
        {"title": "Patient Admin New Patient | Reference"},
        {"title": "NewPatient - PatientAdmin - Reference"},
        {"file": "patient-admin-new-patient (1).html"},
        {"file": "PatientAdmin.html", "event": "NewPatient"},
    ],
)
def test_every_witness_can_name_the_event_type(witness: dict[str, str]) -> None:
    verdict = weigh(**witness)
    assert (verdict.data_model, verdict.event_type) == ("PatientAdmin", "NewPatient")


def test_spelling_does_not_matter() -> None:
    verdict = weigh(model="ClinicalSummary", event="Visit Push")
    assert (verdict.data_model, verdict.event_type) == ("Clinical Summary", "VisitPush")
    assert weigh(model="SSO", event="Sign-on").event_type == "Sign-on"


@pytest.mark.parametrize(
    "other",
    [
        {"sample": '{"Meta": {"DataModel": "PatientAdmin", "EventType": "Cancel"}}'},
        {"address": "https://example.org/Scheduling.html"},
        {"title": "Patient Admin Discharge"},
    ],
)
def test_witnesses_that_disagree_leave_it_open(other: dict[str, str]) -> None:
    verdict = weigh(model="PatientAdmin", event="Arrival", **other)
    assert "not clear" in verdict.refusal


@pytest.mark.parametrize(
    "stronger",
    [{"address": "https://example.org/patient-admin-discharge"}, {"heading": "Discharge"}],
)
def test_heading_and_address_count_more_than_the_meta_block(stronger: dict[str, str]) -> None:
    verdict = weigh(model="PatientAdmin", event="Arrival", **stronger)
    assert (verdict.event_type, verdict.refusal) == ("Discharge", "")


def test_heading_and_address_that_disagree_leave_it_open() -> None:
    address = "https://example.org/patient-admin-discharge"
    assert "not clear" in weigh(model="PatientAdmin", heading="Transfer", address=address).refusal


def test_a_file_name_is_believed_only_where_nothing_else_speaks() -> None:
    verdict = weigh(model="PatientAdmin", event="Arrival", file="scheduling-new.html")
    assert (verdict.data_model, verdict.event_type, verdict.refusal) == (
        "PatientAdmin",
        "Arrival",
        "",
    )


@pytest.mark.parametrize(
    ("witness", "reason"),
    [
        ({}, "cannot be determined"),
        ({"model": "PatientAdmin"}, "cannot be determined"),
        ({"event": "Arrival"}, "cannot be determined"),
        ({"model": "FHIR.Device", "event": "read"}, "FHIR.Device is not in the catalog"),
        ({"model": "PatientAdmin", "event": "Booked"}, "no event type Booked of PatientAdmin"),
        ({"model": "PatientAdmin", "event": "Tells the kind of the event."}, "cannot be"),
        ({"title": "Scheduling"}, "cannot be determined"),
    ],
)
def test_an_event_type_that_is_not_told_is_refused(witness: dict[str, str], reason: str) -> None:
    assert reason in weigh(**witness).refusal


@pytest.mark.parametrize(
    "sample",
    [
        '{"Meta": {"DataModel": "Notes", "EventType": "New"}}',
        '{"Meta": {"DataModel": "Notes", "EventType": "New", ... }',
        '{"Meta": {"DataModel": "Notes", "EventType": "New", // a remark\n "Test": true}}',
    ],
)
def test_a_sample_is_read_even_when_it_is_no_json(sample: str) -> None:
    assert read_sample(sample) == ("Notes", "New")


@pytest.mark.parametrize("sample", ["", "[]", "null", '{"Meta": 1}', "[" * 100_000])
def test_a_sample_without_a_meta_block_says_nothing(sample: str) -> None:
    assert read_sample(sample) == ("", "")
