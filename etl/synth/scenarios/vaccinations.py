"""Vaccinations: given, corrected, deleted again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from etl.synth.scenarios import payload, times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Line, code_system, lines
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.senders import Provider
from etl.synth.scenarios.steps import Actor, Detail, Json, Row, Step


@dataclass(frozen=True, slots=True)
class VaccinationState:
    """A vaccination as its newest message has it."""

    lot: str
    is_deleted: bool = False


class Vaccination(Actor[VaccinationState]):
    """One vaccination: a product given to somebody at an instant."""

    def __init__(self, case: Case, product: Line, given_at: int, provider: Provider) -> None:
        super().__init__()
        self.sender, self.product = case.sender, product
        self.given_at, self.provider = given_at, provider

    @property
    def is_true(self) -> bool:
        """A deleted one is in no truth."""
        return not self.state.is_deleted

    def body(self, state: VaccinationState) -> Json:
        """The vaccination without what was done to its record."""
        product = self.product
        return {
            "DateTime": times.text(self.given_at),
            "Product": {
                "Code": product["code"],
                "Codeset": "CVX",
                "Description": product["name"],
                "LotNumber": state.lot,
                "Manufacturer": {"Name": product["manufacturer"]},
            },
            "Dose": {"Quantity": product["dose"], "Units": product["units"]},
        }

    def step(self, action: str, at: int, person: Person, state: VaccinationState) -> Step:
        """A message of Vaccination that does something to the record; New needs no word for it."""
        done = {**self.body(state), "Provider": payload.provider(self.provider)}
        if action:
            done["Action"] = action
        event_type = "Administration" if action else "New"
        return Step(
            at, "Vaccination", event_type, person, {"Vaccinations": [done]}, detail=Detail.NAME,
            outcomes=((self, state),),
        )  # fmt: skip

    def row(self) -> Row:
        """The truth of this vaccination."""
        return {
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "patient_id": self.record.survivor().patient_id,
            "source_code_type": code_system("CVX")["name"],
            "source_code": self.product["code"],
            "source_description": self.product["name"],
            "occurrence_at": self.given_at,
            "lot_number": self.state.lot,
            "dose": self.product["dose"],
            "dose_units": self.product["units"],
            "practitioner_id": self.provider.npi,
        }


def _fitting(drawn: Line, person: Person, at: int) -> Line:
    """The vaccine that was drawn, or another one if somebody of this age does not get it.

    Each line says from which age to which, in years. What else happens is drawn as if it fitted.
    """
    born = str(person.record.facts["birth_date"])
    day = times.date_text(at)
    age = int(day[:4]) - int(born[:4]) - (day[5:] < born[5:])
    vaccines = lines("vaccines")
    fitting = [one for one in vaccines if int(one["from_age"]) <= age <= int(one["to_age"])]
    return drawn if drawn in fitting else fitting[vaccines.index(drawn) % len(fitting)]


def vaccination(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Given; some records are corrected, few deleted."""
    product, provider = case.rng.choice(lines("vaccines")), case.provider()
    product = _fitting(product, person, after)
    given_at = case.working_time(after)
    one = Vaccination(case, product, given_at, provider)
    case.actors.append(one)
    at = case.instants.after(given_at, 0.02, 2)
    state = VaccinationState(product["lot"])
    yield one.step(case.rng.choice(("", "", "New")), at, person, state)
    if case.rng.random() < 0.15:
        at = case.instants.after(at, 0.2, 30)
        state = replace(state, lot=f"{product['lot']}2")
        yield one.step("Update", at, person, state)
    if case.rng.random() < 0.1:
        at = case.instants.after(at, 0.2, 50)
        yield one.step("Delete", at, person, replace(state, is_deleted=True))
