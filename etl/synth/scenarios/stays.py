"""The state machines of visits: what happens from the first message of a visit to its last.

Every function takes the case, the person and the instant before which nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Place, draw, lines
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.steps import Step
from etl.synth.scenarios.times import MINUTE_MS
from etl.synth.scenarios.visits import Visit, VisitState, discharged, moved_to

REASONS = ("Chest discomfort", "Fever", "Follow-up visit", "Fall", "Shortness of breath")


def new_visit(case: Case, *, has_diagnoses: bool = True) -> Visit:
    """A visit of this case, with the diagnoses that its messages carry."""
    count = case.rng.randint(1, 2) if has_diagnoses else 0
    diagnoses = tuple(case.rng.sample(lines("diagnoses"), count))
    visit = Visit(case.sender, case.sender.next_id("visit"), diagnoses)
    case.actors += visit, *visit.diagnoses
    case.visits.append(visit)
    return visit


def began(case: Case, patient_class: str, at: int) -> VisitState:
    """The state of a visit that begins at an instant."""
    place = case.place(patient_class)
    return VisitState(
        status="in-progress",
        patient_class=patient_class,
        place=place,
        stays=((at, place),),
        attending=case.provider(),
        start_at=at,
        reason=case.rng.choice(REASONS),
    )


def planned(state: VisitState, start_at: int) -> VisitState:
    """The state of a visit that is expected."""
    return replace(state, status="planned", start_at=start_at, stays=())


def arrived(state: VisitState, place: Place, at: int) -> VisitState:
    """The state after an arrival."""
    return replace(state, status="in-progress", start_at=at, place=place, stays=((at, place),))


def another_place(case: Case, place: Place) -> Place:
    """A place for inpatients that is not this one."""
    other = place
    while other == place:
        other = case.place("Inpatient")
    return other


def discharge(case: Case, person: Person, visit: Visit, state: VisitState, at: int) -> Step:
    """The end of a visit; the discharge itself was some minutes before its message."""
    left_at = at - case.rng.randint(1, 40) * MINUTE_MS
    left_at = max(left_at, (state.start_at or at) + MINUTE_MS)
    return visit.step(
        "Discharge", at, person, discharged(state, left_at, draw(case.rng, "dispositions"))
    )


def inpatient_stay(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Arrival, up to three transfers, an update, discharge after days."""
    visit = new_visit(case)
    at = case.any_time(after)
    state = began(case, "Inpatient", at)
    yield visit.step(case.rng.choice(("Arrival", "Arrival", "Registration")), at, person, state)
    for _ in range(case.rng.choice((0, 1, 1, 2, 3))):
        at = case.instants.after(at, 3, 40)
        state = moved_to(state, another_place(case, state.place), at)
        yield visit.step("Transfer", at, person, state)
    if case.rng.random() < 0.4:
        at = case.instants.after(at, 1, 12)
        state = replace(state, attending=case.provider())
        yield visit.step("VisitUpdate", at, person, state)
    yield discharge(case, person, visit, state, case.instants.after(at, 8, 90))


def emergency_visit(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Some hours in the emergency department; one of five is admitted under the same number."""
    visit = new_visit(case)
    at = case.any_time(after)
    state = began(case, "Emergency", at)
    yield visit.step("Registration", at, person, state)
    at = case.instants.after(at, 1, 7)
    if case.rng.random() < 0.2:
        state = moved_to(state, case.place("Inpatient"), at)
        state = replace(state, patient_class="Inpatient")
        yield visit.step("Transfer", at, person, state)
        at = case.instants.after(at, 12, 100)
    yield discharge(case, person, visit, state, at)


def outpatient_visit(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Arrival and discharge on one day."""
    visit = new_visit(case)
    at = case.working_time(after)
    state = began(case, "Outpatient", at)
    yield visit.step("Arrival", at, person, state)
    yield discharge(case, person, visit, state, case.instants.after(at, 0.3, 2))


def planned_admission(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Pre-admission, later arrival and discharge; one of six never comes."""
    visit = new_visit(case)
    at = case.any_time(after)
    expected_at = case.slot(at + case.rng.randint(1, 9) * 24 * 60 * MINUTE_MS)
    state = planned(began(case, "Inpatient", at), expected_at)
    yield visit.step("PreAdmit", at, person, state)
    if case.rng.random() < 1 / 6:
        return
    at = case.instants.after(expected_at, 0, 2)
    state = arrived(state, state.place, at)
    yield visit.step("Arrival", at, person, state)
    yield discharge(case, person, visit, state, case.instants.after(at, 20, 120))


def arrival_canceled(case: Case, person: Person, after: int) -> Iterator[Step]:
    """An arrival entered by mistake; with or without a pre-admission, some arrive after all."""
    visit = new_visit(case)
    at = case.any_time(after)
    expected_at = case.slot(at)
    state = planned(began(case, "Outpatient", at), expected_at)
    if case.rng.random() < 0.5:
        yield visit.step("PreAdmit", at, person, state)
    else:
        state = replace(state, status="cancelled")
    at = case.instants.after(at, 1, 8)
    came = arrived(state, case.place("Outpatient"), at)
    yield visit.step("Arrival", at, person, came)
    if case.rng.random() < 0.3:
        at = case.instants.after(at, 0.1, 1)
        yield visit.step("VisitUpdate", at, person, came)
    at = case.instants.after(at, 0.1, 2)
    named = case.rng.choice(("Arrival", "Arrival", "Registration"))
    yield visit.step("Cancel", at, person, state, meta={"CanceledEvent": named})
    if case.rng.random() < 0.4:
        at = case.instants.after(at, 2, 30)
        state = arrived(state, came.place, at)
        yield visit.step("Arrival", at, person, state)
        yield discharge(case, person, visit, state, case.instants.after(at, 0.5, 3))


def discharge_canceled(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A discharge taken back: the patient is still here, and leaves later."""
    visit = new_visit(case)
    at = case.any_time(after)
    state = began(case, "Inpatient", at)
    yield visit.step("Arrival", at, person, state)
    at = case.instants.after(at, 20, 70)
    yield discharge(case, person, visit, state, at)
    at = case.instants.after(at, 0.2, 3)
    yield visit.step("Cancel", at, person, state, meta={"CanceledEvent": "Discharge"})
    if case.rng.random() < 0.6:
        yield discharge(case, person, visit, state, case.instants.after(at, 10, 60))


def preadmit_canceled(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A pre-admission that is called off."""
    visit = new_visit(case)
    at = case.any_time(after)
    state = planned(began(case, "Inpatient", at), case.slot(at + 72 * 60 * MINUTE_MS))
    yield visit.step("PreAdmit", at, person, state)
    at = case.instants.after(at, 5, 60)
    state = replace(state, status="cancelled")
    yield visit.step("Cancel", at, person, state, meta={"CanceledEvent": "PreAdmit"})


def visit_canceled(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A whole visit called off by a cancel that names no event."""
    visit = new_visit(case)
    at = case.any_time(after)
    state = planned(began(case, "Outpatient", at), case.slot(at))
    yield visit.step("PreAdmit", at, person, state)
    at = case.instants.after(at, 1, 10)
    yield visit.step("Registration", at, person, arrived(state, state.place, at))
    at = case.instants.after(at, 0.2, 5)
    yield visit.step("Cancel", at, person, replace(state, status="cancelled"))


def known_from_census(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A visit that began before the period: only a reply tells of it, so its status is unknown."""
    visit = new_visit(case)
    at = case.any_time(after)
    started_at = case.begin - case.rng.randint(20, 200) * 60 * MINUTE_MS
    state = replace(began(case, "Inpatient", started_at), status="unknown", stays=())
    event_type = case.rng.choice(("CensusQueryResponse", "VisitQueryResponse", "CensusQuery"))
    yield visit.reply_step(at, person, state, event_type=event_type)
