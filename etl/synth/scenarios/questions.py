"""Queries and replies: what somebody asked for is no evidence, what came back is."""

from __future__ import annotations

from collections.abc import Iterator

from etl.synth.scenarios import payload, people
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.steps import Detail, Step


def patient_search(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A search with a wrong name and address, and its reply beside another candidate."""
    at = case.any_time(after)
    wrong = people.draw_facts(case.rng)
    asked = {"Patient": {"Demographics": payload.demographics(wrong)}}
    yield Step(at, "PatientSearch", "Query", person, asked, place="", is_evidence=False)
    at = case.instants.after(at, 0.001, 0.01)
    stranger = people.new_record(case.sender, case.rng, wrong)
    candidate = payload.patient(stranger, payload.said_of(stranger, Detail.NAME))
    yield Step(
        at, "PatientSearch", "Response", person, {"PotentialMatches": [candidate]},
        detail=Detail.NAME, is_reply=True,
    )  # fmt: skip


def visit_query(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A query for the visits of a patient; nobody replies."""
    at = case.any_time(after)
    yield Step(
        at, "PatientAdmin", "VisitQuery", person, {}, detail=Detail.IDS, place="Patients[]",
        is_evidence=False,
    )  # fmt: skip
