"""Visits: what a visit is, the messages it gives, and its row of truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from etl.synth.scenarios import payload, times
from etl.synth.scenarios.lists import Line, Place
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.senders import Provider, Sender
from etl.synth.scenarios.steps import Actor, Detail, Json, Row, Step


@dataclass(frozen=True, slots=True)
class VisitState:
    """A visit as it is at one moment. Times are None until they are known."""

    status: str
    patient_class: str
    place: Place
    attending: Provider
    start_at: int | None
    end_at: int | None = None
    disposition: Line | None = None
    reason: str = "Check up"


class Visit(Actor[VisitState]):
    """One visit number of a source."""

    def __init__(self, sender: Sender, number: str, diagnoses: tuple[Line, ...] = ()) -> None:
        super().__init__()
        self.sender, self.number = sender, number
        self.account = sender.next_id("account")
        self.diagnoses = diagnoses
        self.owner_changed = False

    @property
    def encounter_id(self) -> str:
        return f"{self.sender.source_id}:{self.number}"

    def step(
        self, event_type: str, at: int, person: Person, state: VisitState, **options: Any
    ) -> Step:
        """A message of PatientAdmin about this visit that leaves it in a state."""
        body: Json = {"Visit": self.body(state, event_type)}
        return Step(
            at, "PatientAdmin", event_type, person, body, outcomes=((self, state),), **options
        )

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

    def short_body(self, state: VisitState) -> Json:
        """The Visit object of models that only refer to a visit."""
        return {
            "VisitNumber": self.number,
            "PatientClass": state.patient_class,
            "Location": payload.location(state.place),
        }

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
            at, "PatientAdmin", event_type, person, {"Visits": [visit]}, detail=Detail.NAME,
            place="Patients[]", outcomes=((self, state),), is_reply=True,
        )  # fmt: skip

    def row(self) -> Row:
        """The truth of this visit."""
        state, place = self.state, self.state.place
        disposition = state.disposition or {}
        return {
            "encounter_id": self.encounter_id,
            "patient_id": self.record.survivor().patient_id,
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "encounter_status": state.status,
            "encounter_type": state.patient_class,
            "encounter_start_at": state.start_at,
            "encounter_end_at": state.end_at,
            "disposition_code": disposition.get("code"),
            "disposition": disposition.get("description"),
            "facility": place.facility,
            "department": place.department,
            "room": place.room or None,
            "bed": place.bed or None,
            "attending_id": state.attending.npi,
            "has_changed_patient": self.owner_changed,
        }


def discharged(state: VisitState, at: int, disposition: Line) -> VisitState:
    """The state after a discharge."""
    return replace(state, status="finished", end_at=at, disposition=disposition)
