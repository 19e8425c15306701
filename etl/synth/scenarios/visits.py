"""Visits: what a visit is, the messages it gives, and its row of truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from etl.synth.clock import DAY_MS
from etl.synth.scenarios import payload, times
from etl.synth.scenarios.lists import Line, Place, code_system
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.senders import Provider, Sender
from etl.synth.scenarios.steps import Actor, Detail, Json, Row, Step


@dataclass(frozen=True, slots=True)
class VisitState:
    """A visit as it is at one moment. Times are None until they are known.

    `stays` are the places so far, each with the instant from which the patient was there.
    """

    status: str
    patient_class: str
    place: Place
    attending: Provider
    start_at: int | None
    end_at: int | None = None
    disposition: Line | None = None
    reason: str = "Check up"
    stays: tuple[tuple[int, Place], ...] = ()


class Visit(Actor[VisitState]):
    """One visit number of a source."""

    def __init__(self, sender: Sender, number: str, diagnoses: tuple[Line, ...] = ()) -> None:
        super().__init__()
        self.sender, self.number = sender, number
        self.account = sender.next_id("account")
        self.diagnoses = tuple(Diagnosis(self, line) for line in diagnoses)
        self.owner_changed = False
        self.window: tuple[int, int] | None = None

    @property
    def encounter_id(self) -> str:
        return f"{self.sender.source_id}:{self.number}"

    def step(
        self, event_type: str, at: int, person: Person, state: VisitState, **options: Any
    ) -> Step:
        """A message of PatientAdmin about this visit that leaves it in a state."""
        self._open(event_type, at)
        body: Json = {"Visit": self.body(state, event_type)}
        patient: Json = {}
        if self.diagnoses:
            patient = {"Diagnoses": [diagnosis.body() for diagnosis in self.diagnoses]}
        told = tuple((diagnosis, None) for diagnosis in self.diagnoses)
        return Step(
            at, "PatientAdmin", event_type, person, body, patient=patient,
            outcomes=((self, state), *told), **options,
        )  # fmt: skip

    def _open(self, event_type: str, at: int) -> None:
        """Keep from when to when the patient is here; a cancel closes the window permanently."""
        if event_type in ("Arrival", "Registration"):
            self.window = at, at + DAY_MS
        elif event_type == "Discharge" and self.window:
            self.window = self.window[0], at
        elif event_type == "Cancel":
            self.window = None

    def body(self, state: VisitState, event_type: str = "") -> Json:
        """The Visit object."""
        body: Json = {
            "VisitNumber": self.number,
            "AccountNumber": self.account,
            "PatientClass": state.patient_class,
            "Reason": state.reason,
            "AttendingProvider": payload.provider(state.attending),
            "Location": payload.location(state.place),
        }
        if state.start_at is not None:
            body["VisitDateTime"] = times.text(state.start_at)
        if event_type == "Discharge" and state.end_at is not None and state.disposition:
            body["DischargeDateTime"] = times.text(state.end_at)
            body["DischargeStatus"] = {
                "Code": state.disposition["code"],
                "Description": state.disposition["description"],
            }
        return body

    def merge_step(self, at: int, *, owner: Person, new_owner: Person, state: VisitState) -> Step:
        """The visit was another patient's: VisitMerge moves it."""
        return Step(
            at,
            "PatientAdmin",
            "VisitMerge",
            new_owner,
            {"Visit": {"VisitNumber": self.number}},
            outcomes=((self, state),),
            previous=owner.record,
            change=self._change_owner,
        )

    def _change_owner(self) -> None:
        self.owner_changed = True

    def reply_step(self, at: int, person: Person, state: VisitState, *, event_type: str) -> Step:
        """A census or visit reply that lists this visit of one patient."""
        visit = {
            "VisitNumber": self.number,
            "PatientClass": state.patient_class,
            "VisitDateTime": times.text(state.start_at or at),
            "Location": payload.location(state.place),
        }
        return Step(
            at, "PatientAdmin", event_type, person, {"Patients": [{"Visits": [visit]}]}, detail=Detail.NAME,
            place="Patients[]", outcomes=((self, state),), is_reply=True,
        )  # fmt: skip

    def row(self) -> Row:
        """The truth of this visit."""
        state, place = self.state, self.state.place
        disposition = state.disposition or {}
        is_only_listed = state.status == "unknown"  # a census says little of a visit
        return {
            "encounter_id": self.encounter_id,
            "patient_id": self.record.survivor().patient_id,
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "visit_number": self.number,
            "account_number": None if is_only_listed else self.account,
            "encounter_status": state.status,
            "encounter_type": state.patient_class,
            "reason": None if is_only_listed else state.reason,
            "encounter_start_at": state.start_at,
            "encounter_end_at": state.end_at,
            "length_of_stay": self._days(),
            "disposition_code": disposition.get("code"),
            "disposition": disposition.get("description"),
            "facility": place.facility,
            "department": place.department,
            "room": place.room or None,
            "bed": place.bed or None,
            "attending_id": None if is_only_listed else state.attending.npi,
            "has_changed_patient": self.owner_changed,
        }

    def _days(self) -> int | None:
        """Calendar days in UTC from begin to end."""
        state = self.state
        if state.end_at is None or state.start_at is None:
            return None
        return state.end_at // DAY_MS - state.start_at // DAY_MS

    def location_rows(self) -> Iterator[Row]:
        """The truth of where the patient was: one row per place in a row of time."""
        state = self.state
        leaving = [*(at for at, _ in state.stays[1:]), state.end_at]
        for (from_at, place), to_at in zip(state.stays, leaving, strict=False):
            yield {
                "encounter_id": self.encounter_id,
                "from_at": from_at,
                "patient_id": self.record.survivor().patient_id,
                "data_source": self.sender.source_id,
                "source_name": self.sender.name,
                "facility": place.facility,
                "department": place.department,
                "room": place.room or None,
                "bed": place.bed or None,
                "to_at": to_at,
                "is_current": to_at is None,
            }


class Diagnosis(Actor[None]):
    """One diagnosis of a visit, as its messages list it."""

    def __init__(self, visit: Visit, line: Line) -> None:
        super().__init__()
        self.visit, self.line = visit, line

    def body(self) -> Json:
        return diagnosis_body(self.line)

    def row(self) -> Row:
        """The truth of this diagnosis."""
        return {
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": self.visit.encounter_id,
            "condition_type": "encounter",
            **coded(self.line, "ICD-10"),
            "data_source": self.visit.sender.source_id,
            "source_name": self.visit.sender.name,
            "status": None,
            "onset_at": None,
            "resolved_at": None,
            "is_on_latest_list": None,
        }


def diagnosis_body(line: Line, kind: str = "Final") -> Json:
    """A diagnosis of the models that know a Codeset."""
    return {"Code": line["code"], "Codeset": "ICD-10", "Name": line["name"], "Type": kind}


def coded(line: Line, system: str) -> Row:
    """The code columns of a row."""
    return {
        "source_code_type": code_system(system)["name"],
        "source_code": line["code"],
        "source_description": line["name"],
    }


def moved_to(state: VisitState, place: Place, at: int) -> VisitState:
    """The state after the patient came to a place."""
    return replace(state, place=place, stays=(*state.stays, (at, place)))


def discharged(state: VisitState, at: int, disposition: Line) -> VisitState:
    """The state after a discharge."""
    return replace(state, status="finished", end_at=at, disposition=disposition)
