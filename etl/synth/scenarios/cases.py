"""What happens to whom: chooses the scenarios of each person and tells them in order of time."""

from __future__ import annotations

import random
from collections.abc import Iterator

from etl.synth.scenarios import (
    appointments,
    billing,
    documents,
    identities,
    medications,
    observations,
    orders,
    people,
    questions,
    stays,
    summaries,
    vaccinations,
)
from etl.synth.scenarios.case import Case, Scenario
from etl.synth.scenarios.lists import lines_of
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.plans import draw_plans
from etl.synth.scenarios.senders import Sender
from etl.synth.scenarios.steps import Step

SCENARIOS: dict[str, Scenario] = {
    "inpatient_stay": stays.inpatient_stay,
    "emergency_visit": stays.emergency_visit,
    "planned_admission": stays.planned_admission,
    "outpatient_visit": stays.outpatient_visit,
    "arrival_canceled": stays.arrival_canceled,
    "discharge_canceled": stays.discharge_canceled,
    "preadmit_canceled": stays.preadmit_canceled,
    "visit_canceled": stays.visit_canceled,
    "known_from_census": stays.known_from_census,
    "appointment": appointments.appointment,
    "laboratory_order": orders.laboratory_order,
    "unsolicited_result": orders.unsolicited_result,
    "vital_signs": observations.vital_signs,
    "medication_order": medications.medication_order,
    "note": documents.note,
    "vaccination": vaccinations.vaccination,
    "charge": billing.charge,
    "claim": billing.claim,
    "summary": summaries.summary,
    "patient_search": questions.patient_search,
    "visit_query": questions.visit_query,
    "moved": identities.moved,
    "insurance_changed": identities.insurance_changed,
    "passed_away": identities.passed_away,
}


def make_case(sender: Sender, *, rng: random.Random, begin: int, end: int) -> Case:
    """A case with one person, of whom nothing has been said yet."""
    case = Case(rng, sender, begin, end)
    record = people.new_record(sender, rng, people.draw_facts(rng))
    case.records.append(record)
    case.people.append(Person(record, plans=draw_plans(rng, begin)))
    return case


def tell(case: Case) -> list[Step]:
    """All steps of a case that fall into the period, in order of time."""
    person = case.people[0]
    steps: list[Step] = []
    registered_at = case.begin
    if case.rng.random() < 0.6:
        registered_at = case.any_time()
        steps.append(identities.register(case, person, registered_at))
    identity = _draw_identity(case)
    if identity:
        steps.extend(identity(case, person, registered_at))
    for scenario in _draw_scenarios(case):
        steps.extend(scenario(case, person, registered_at))
    steps = [step for step in steps if step.at < case.end]
    steps.sort(key=lambda step: step.at)
    return steps


def _draw_identity(case: Case) -> Scenario | None:
    draw = case.rng.random()
    for line in lines_of("identities", "kind", case.sender.kind):
        draw -= float(line["share"])
        if draw < 0:
            return identities.IDENTITIES[line["identity"]]
    return None


def _draw_scenarios(case: Case) -> Iterator[Scenario]:
    """Each scenario as often as its line says of one person in the period, on average.

    Visits come before the orders that refer to them, as the list has them.
    """
    for line in lines_of("mix", "kind", case.sender.kind):
        expected = float(line["per_patient"])
        count = int(expected) + (case.rng.random() < expected % 1)
        for _ in range(count):
            yield SCENARIOS[line["scenario"]]
