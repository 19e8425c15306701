"""Medications: ordered, changed, given, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from etl.synth.scenarios import payload, times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Line, code_system, lines
from etl.synth.scenarios.orders import encounter_id
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.senders import Provider
from etl.synth.scenarios.steps import Actor, Detail, Json, Row, Step
from etl.synth.scenarios.visits import Visit


@dataclass(frozen=True, slots=True)
class MedicationState:
    """An order of a medication at one moment; `dose` as text of a number."""

    status: str
    dose: str
    start_at: int
    provider: Provider


class MedicationOrder(Actor[MedicationState]):
    """One order of a medication."""

    def __init__(self, case: Case, product: Line, visit: Visit | None) -> None:
        super().__init__()
        self.sender, self.product, self.visit = case.sender, product, visit
        self.number = case.sender.next_id("order")

    def step(self, event_type: str, at: int, person: Person, state: MedicationState) -> Step:
        """A message of Medications that leaves the order in a state."""
        product = self.product
        medication = {
            **product_body(product),
            "Dose": {"Quantity": number(state.dose), "Units": product["units"]},
            "Route": route_body(product),
            "Frequency": {"Period": number(product["period"]), "Unit": product["frequency_unit"]},
            "StartDate": times.text(state.start_at),
        }
        order = {
            "ID": self.number,
            "Medication": medication,
            "Provider": payload.ordering_provider(state.provider),
        }
        return Step(
            at, "Medications", event_type, person, {"Order": order} | visit_body(self.visit),
            detail=Detail.NAME, outcomes=((self, state),),
        )  # fmt: skip

    def row(self) -> Row:
        """The truth of this order."""
        state = self.state
        return {
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "order_id": self.number,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": encounter_id(self.visit),
            **product_row(self.product, state.dose),
            "status": state.status,
            "start_at": state.start_at,
            "practitioner_id": state.provider.npi,
            "is_on_latest_list": None,
        }


@dataclass(frozen=True, slots=True)
class GivenState:
    """A dose that was given, as its newest message has it."""

    status: str
    dose: str


class Administration(Actor[GivenState]):
    """One dose of an order, known by the instant at which it was given."""

    def __init__(self, order: MedicationOrder, given_at: int) -> None:
        super().__init__()
        self.order, self.given_at = order, given_at

    def step(self, at: int, person: Person, state: GivenState) -> Step:
        """A message that says what was given."""
        order, product = self.order, self.order.product
        given = {
            "Status": state.status,
            "StartDate": times.text(self.given_at),
            "Medication": {
                **product_body(product),
                "Order": {"ID": order.number},
                "Dose": {"Quantity": number(state.dose), "Units": product["units"]},
                "Route": route_body(product),
            },
        }
        body: Json = {"Administrations": [given]} | visit_body(order.visit)
        return Step(
            at, "Medications", "Administration", person, body, detail=Detail.NAME,
            outcomes=((self, state),),
        )  # fmt: skip

    def row(self) -> Row:
        """The truth of this dose."""
        order = self.order
        return {
            "data_source": order.sender.source_id,
            "source_name": order.sender.name,
            "order_id": order.number,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": encounter_id(order.visit),
            "start_at": self.given_at,
            **product_row(order.product, self.state.dose),
            "status": self.state.status,
        }


def product_body(product: Line) -> Json:
    """The Product of a medication, with its NDC beside."""
    return {
        "Product": {
            "Code": product["code"],
            "CodeSystem": code_system("RxNorm")["oid"],
            "CodeSystemName": "RxNorm",
            "Name": product["name"],
            "AltCodes": [
                {
                    "Code": product["ndc"],
                    "CodeSystem": code_system("NDC")["oid"],
                    "CodeSystemName": "NDC",
                    "Name": product["name"],
                }
            ],
        }
    }


def route_body(product: Line) -> Json:
    """The route, a code of SNOMED CT."""
    return {
        "Code": product["route_code"],
        "CodeSystem": code_system("SNOMED CT")["oid"],
        "CodeSystemName": "SNOMED CT",
        "Name": product["route"],
    }


def product_row(product: Line, dose: str) -> Row:
    """The columns of a row that say what is taken."""
    return {
        "source_code_type": code_system("RxNorm")["name"],
        "source_code": product["code"],
        "source_description": product["name"],
        "rxnorm_code": product["code"],
        "ndc_code": product["ndc"],
        "dose": dose,
        "dose_units": product["units"],
        "route": product["route"],
    }


def visit_body(visit: Visit | None) -> Json:
    """The reference to a visit, nothing where there is none."""
    return {"Visit": {"VisitNumber": visit.number}} if visit else {}


def number(text: str) -> int | float:
    """A listed number as JSON writes it."""
    return int(text) if text.isdigit() else float(text)


def medication_order(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Ordered; some are changed, most are given several times, some are cancelled."""
    rng = case.rng
    visit, at = case.visit_and_time(0.8, after)
    order = MedicationOrder(case, rng.choice(lines("medications")), visit)
    case.actors.append(order)
    state = MedicationState("active", order.product["dose"], at, case.provider())
    yield order.step("New", at, person, state)
    if rng.random() < 0.2:
        at = case.instants.after(at, 0.5, 10)
        state = replace(state, dose=str(2 * int(state.dose)))
        yield order.step("Update", at, person, state)
    if visit:
        for _ in range(rng.randint(0, 3)):
            given_at = case.instants.after(at, 0.5, 8)
            at = case.instants.after(given_at, 0.05, 0.3)
            yield from _give(case, person, order, GivenState("Complete", state.dose), given_at, at)
    if rng.random() < 0.2:
        at = case.instants.after(at, 0.5, 20)
        yield order.step("Cancel", at, person, replace(state, status="cancelled"))


def _give(
    case: Case, person: Person, order: MedicationOrder, state: GivenState, given_at: int, at: int
) -> Iterator[Step]:
    """One dose; of few a second message says that it was not given after all."""
    dose = Administration(order, given_at)
    case.actors.append(dose)
    yield dose.step(at, person, state)
    if case.rng.random() < 0.05:
        at = case.instants.after(at, 0.1, 1)
        yield dose.step(at, person, replace(state, status="Not Administered"))
