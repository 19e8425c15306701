"""Appointments: booking, changes, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from etl.synth.clock import DAY_MS
from etl.synth.scenarios import payload, times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Place
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.senders import Provider, Sender
from etl.synth.scenarios.stays import began, discharge, new_visit
from etl.synth.scenarios.steps import Actor, Json, Row, Step
from etl.synth.scenarios.times import HOUR_MS, MINUTE_MS
from etl.synth.scenarios.visits import Visit

DURATIONS = (15, 20, 30, 45, 60)
ENDINGS = {
    "fulfilled": 45, "booked": 12, "noshow": 12, "cancelled": 13, "arrival taken back": 4,
    "rebooked": 14,
}  # fmt: skip
NO_SHOW_REASON = "Patient did not come"


@dataclass(frozen=True, slots=True)
class AppointmentState:
    """An appointment at one moment; `reason` is why it was made."""

    status: str
    start_at: int
    minutes: int
    place: Place
    provider: Provider
    reason: str
    booked_at: int
    reschedules: int = 0
    earlier: str = ""
    later: str = ""


class Appointment(Actor[AppointmentState]):
    """One appointment number of a source; `visit` is the visit that it becomes."""

    def __init__(self, sender: Sender, visit: Visit) -> None:
        super().__init__()
        self.sender, self.visit = sender, visit
        self.number = visit.number

    def step(self, event_type: str, at: int, person: Person, state: AppointmentState) -> Step:
        """A message of Scheduling that leaves the appointment in a state."""
        body = {"Visit": self.body(state)}
        if event_type == "NoShow":
            body["Visit"]["NoShowReason"] = NO_SHOW_REASON
        return Step(at, "Scheduling", event_type, person, body, outcomes=((self, state),))

    def body(self, state: AppointmentState) -> Json:
        """The Visit object of Scheduling."""
        return {
            "VisitNumber": self.number,
            "AccountNumber": self.visit.account,
            "VisitDateTime": times.text(state.start_at),
            "Duration": state.minutes,
            "Reason": state.reason,
            "PatientClass": "Outpatient",
            "AttendingProvider": payload.provider(state.provider),
            "VisitProvider": payload.provider(state.provider),
            "Location": payload.location(state.place, has_bed=False),
        }

    def row(self) -> Row:
        """The truth of this appointment."""
        state, source_id = self.state, self.sender.source_id
        appointment_id = self.visit.encounter_id
        return {
            "appointment_id": appointment_id,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": appointment_id if self.visit.is_known else None,
            "data_source": source_id,
            "source_name": self.sender.name,
            "status_code": state.status,
            "start_datetime": state.start_at,
            "end_datetime": state.start_at + state.minutes * MINUTE_MS,
            "duration_minutes": state.minutes,
            "booked_at": state.booked_at,
            "lead_days": state.start_at // DAY_MS - state.booked_at // DAY_MS,
            "reschedules": state.reschedules,
            "rescheduled_from_id": f"{source_id}:{state.earlier}" if state.earlier else None,
            "rescheduled_to_id": f"{source_id}:{state.later}" if state.later else None,
            "reasons": state.reason,
            "facility": state.place.facility,
            "department": state.place.department,
            "room": state.place.room,
            "practitioner_id": state.provider.npi,
        }


def appointment(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Booked, perhaps changed, and then one of the endings."""
    rng = case.rng
    booked, at, state = _book(case, person, after)
    yield booked.step("New", at, person, state)
    if rng.random() < 0.25:
        at = case.instants.after(at, 1, 20)
        state = replace(state, provider=case.provider())
        yield booked.step("Modification", at, person, state)
    if rng.random() < 0.15:
        at = case.instants.after(at, 1, 20)
        moved_to = case.slot(max(at, state.start_at))
        state = replace(state, start_at=moved_to, reschedules=state.reschedules + 1)
        yield booked.step("Reschedule", at, person, state)
    ending = rng.choices(tuple(ENDINGS), tuple(ENDINGS.values()))[0]
    if ending == "rebooked":
        booked, at, state, step = _rebook(case, person, booked, at, state)
        yield step
        ending = rng.choice(("booked", "fulfilled", "cancelled"))
    yield from _end(case, person, booked, at, state, ending)


def _book(case: Case, person: Person, after: int) -> tuple[Appointment, int, AppointmentState]:
    at = case.any_time(after)
    state = AppointmentState(
        status="booked",
        start_at=case.slot(at + case.rng.randint(0, 12) * DAY_MS),
        minutes=case.rng.choice(DURATIONS),
        place=replace(case.place("Outpatient"), bed=""),
        provider=case.provider(),
        reason=case.rng.choice(("Check up", "Follow-up visit", "Annual physical")),
        booked_at=at,
    )
    return _new_appointment(case), at, state


def _new_appointment(case: Case) -> Appointment:
    one = Appointment(case.sender, new_visit(case))
    case.actors.append(one)
    return one


def _rebook(
    case: Case, person: Person, old: Appointment, at: int, state: AppointmentState
) -> tuple[Appointment, int, AppointmentState, Step]:
    """A reschedule under a new number: the old one is replaced and names its successor."""
    new = _new_appointment(case)
    at = case.instants.after(at, 1, 20)
    left = replace(state, status="rescheduled", later=new.number)
    start_at = case.slot(max(at, state.start_at))
    state = replace(state, start_at=start_at, booked_at=at, earlier=old.number, reschedules=1)
    step = new.step("Reschedule", at, person, state)
    step.body["Visit"] |= {
        "OldVisitNumber": old.number,
        "OldDateTime": times.text(left.start_at),
    }
    step.settled = ((old, left),)
    return new, at, state, step


def _end(
    case: Case, person: Person, booked: Appointment, at: int, state: AppointmentState, ending: str
) -> Iterator[Step]:
    """What becomes of an appointment."""
    if ending == "cancelled":
        at = case.instants.take(
            max(at + MINUTE_MS, state.start_at - case.rng.randint(2, 40) * HOUR_MS)
        )
        yield booked.step("Cancel", at, person, replace(state, status="cancelled"))
        if case.rng.random() < 0.2:  # a change of a cancelled appointment does not bring it back
            at = case.instants.after(at, 0.2, 2)
            yield booked.step("Modification", at, person, replace(state, status="cancelled"))
    elif ending == "noshow":
        at = case.instants.after(max(at, state.start_at), 0.5, 3)
        yield booked.step("NoShow", at, person, replace(state, status="noshow"))
    elif ending in ("fulfilled", "arrival taken back"):
        yield from _arrive(case, person, booked, max(at, state.start_at), state, ending)


def _arrive(
    case: Case, person: Person, booked: Appointment, at: int, state: AppointmentState, ending: str
) -> Iterator[Step]:
    """The visit of the same number begins."""
    visit = booked.visit
    at = case.instants.after(at, 0, 0.4)
    came = replace(
        began(case, "Outpatient", at),
        place=state.place,
        stays=((at, state.place),),
        attending=state.provider,
        reason=state.reason,
    )
    step = visit.step("Arrival", at, person, came)
    step.settled = ((booked, replace(state, status="fulfilled")),)
    yield step
    at = case.instants.after(at, 0.2, 1)
    if ending == "fulfilled":
        yield discharge(case, person, visit, came, at)
        return
    step = visit.step(
        "Cancel",
        at,
        person,
        replace(came, status="cancelled", stays=()),
        meta={"CanceledEvent": "Arrival"},
    )
    step.settled = ((booked, state),)
    yield step
