"""Stories about who somebody is: merges in their kinds, visits of the wrong patient, shared ids.

Most people have none. Each story gives steps like all scenarios and may add people and records.
"""

from __future__ import annotations

from collections.abc import Iterator

from etl.synth.scenarios import people, times
from etl.synth.scenarios.case import Case, Scenario
from etl.synth.scenarios.people import Person, Record
from etl.synth.scenarios.plans import draw_plans
from etl.synth.scenarios.stays import began, discharge, new_visit
from etl.synth.scenarios.steps import Detail, Step

UPDATED = "PatientUpdate"


def register(case: Case, person: Person, at: int) -> Step:
    """The first message about a person."""
    return Step(at, "PatientAdmin", "NewPatient", person, {})


def another_record(case: Case, person: Person) -> Record:
    """A second registration of the same person: the phone differs, the e-mail is not known."""
    facts = person.record.facts | {"phone_home": people.phone(case.rng), "email": None}
    record = people.new_record(case.sender, case.rng, facts)
    case.records.append(record)
    return record


def merge(
    case: Case,
    person: Person,
    at: int,
    *,
    retired: Record,
    survivor: Record,
    is_followed: bool = True,
) -> Step:
    """PatientMerge: one record goes into another, which messages name from now on if it is followed.

    Most retire only the id of the source's own type, some all ids of the record.
    """
    own = (case.sender.id_type,)
    types = own if case.rng.random() < 0.6 else tuple(retired.identifiers)

    def change() -> None:
        retired.retire(types, survivor, at)
        if is_followed:
            person.record = survivor

    return Step(
        at, "PatientAdmin", "PatientMerge", person, {}, detail=Detail.NAME, under=survivor,
        previous=retired, previous_types=types, change=change,
    )  # fmt: skip


def patient_merge(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Somebody was registered twice; half of the time a message under the old id comes later."""
    old, new = person.record, another_record(case, person)
    at = case.any_time(after)
    yield Step(at, "PatientAdmin", "NewPatient", person, {}, under=new)
    at = case.instants.after(at, 4, 120)
    yield merge(case, person, at, retired=old, survivor=new)
    if case.rng.random() < 0.5:
        yield _update(case, person, case.instants.after(at, 2, 60), old)


def merge_chain(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Three records: the first goes into the second, the second into the third."""
    first, second = person.record, another_record(case, person)
    third = another_record(case, person)
    at = case.any_time(after)
    yield Step(at, "PatientAdmin", "NewPatient", person, {}, under=second)
    at = case.instants.after(at, 4, 90)
    yield merge(case, person, at, retired=first, survivor=second)
    at = case.instants.after(at, 4, 90)
    yield Step(at, "PatientAdmin", "NewPatient", person, {}, under=third)
    at = case.instants.after(at, 4, 90)
    yield merge(case, person, at, retired=second, survivor=third)
    if case.rng.random() < 0.5:
        yield _update(case, person, case.instants.after(at, 2, 60), first)


def merge_reversed(case: Case, person: Person, after: int) -> Iterator[Step]:
    """The wrong record survived: a second merge turns it round and revives the first."""
    old, new = person.record, another_record(case, person)
    at = case.any_time(after)
    yield merge(case, person, at, retired=old, survivor=new)
    at = case.instants.after(at, 2, 90)
    yield merge(case, person, at, retired=new, survivor=old)


def merge_undone(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Two people were taken for one: a later merge into the retired id revives it.

    Messages about the first go on naming their own record: of what had named the other's, nobody
    could say afterwards whose it is.
    """
    mine, other = person.record, _somebody_else(case)
    at = case.any_time(after)
    yield register(case, other, at)
    at = case.instants.after(at, 2, 60)
    yield merge(case, person, at, retired=mine, survivor=other.record, is_followed=False)
    duplicate = another_record(case, Person(mine))
    at = case.instants.after(at, 2, 60)
    yield merge(case, person, at, retired=duplicate, survivor=mine)
    yield _update(case, other, case.instants.after(at, 1, 30), other.record)


def visit_merge(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A visit was opened for the wrong patient; VisitMerge gives it to the right one."""
    wrong = _somebody_else(case)
    at = case.any_time(after)
    yield register(case, wrong, at)
    visit = new_visit(case, has_diagnoses=False)
    case.visits.remove(visit)  # its orders would name the wrong patient, or not
    at = case.instants.after(at, 1, 40)
    state = began(case, "Outpatient", at)
    yield visit.step("Arrival", at, wrong, state)
    at = case.instants.after(at, 0.2, 5)
    yield visit.merge_step(at, owner=wrong, new_owner=person, state=state)
    if case.rng.random() < 0.6:
        yield discharge(case, person, visit, state, case.instants.after(at, 0.2, 6))


def shared_identifier(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Twins with one registry number: an id of two patients joins nobody."""
    twin = _somebody_else(case)
    shared = case.sender.other_id_types[-1]
    twin.record.identifiers[shared] = person.record.identifiers[shared]
    yield register(case, twin, case.any_time(after))
    yield register(case, person, case.any_time(after))


def test_patient(case: Case, person: Person, after: int) -> Iterator[Step]:
    """All messages of this person are marked as test: no truth knows them."""
    person.is_test = True
    yield register(case, person, case.any_time(after))


def _somebody_else(case: Case) -> Person:
    record = people.new_record(case.sender, case.rng, people.draw_facts(case.rng))
    person = Person(record, plans=draw_plans(case.rng, case.begin))
    case.people.append(person)
    case.records.append(record)
    return person


def moved(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A new address and phone, told by an update."""
    at = case.any_time(after)
    yield _update(case, person, at, None)


def _update(case: Case, person: Person, at: int, under: Record | None) -> Step:
    """PatientUpdate with a new address and phone of the record that it names."""
    facts = people.draw_address(case.rng) | {"phone_home": people.phone(case.rng)}

    def change() -> None:
        (under or person.record).facts.update(facts)

    return Step(at, "PatientAdmin", UPDATED, person, {}, under=under, change=change)


def insurance_changed(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Another insurance, told by an update."""
    at = case.any_time(after)
    plans = draw_plans(case.rng, at)

    def change() -> None:
        person.plans = plans

    yield Step(at, "PatientAdmin", UPDATED, person, {}, change=change)


def passed_away(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A death, told by an update."""
    at = case.any_time(after)
    facts = {"is_deceased": True, "death_at": times.text(at - times.HOUR_MS)}
    yield Step(
        at, "PatientAdmin", UPDATED, person, {}, change=lambda: person.record.facts.update(facts)
    )


IDENTITIES: dict[str, Scenario] = {
    "patient_merge": patient_merge,
    "merge_chain": merge_chain,
    "merge_reversed": merge_reversed,
    "merge_undone": merge_undone,
    "visit_merge": visit_merge,
    "shared_identifier": shared_identifier,
    "test_patient": test_patient,
}
