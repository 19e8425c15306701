"""Observations: vital signs of flowsheets, measured together and now and then sent twice."""

from __future__ import annotations

from collections.abc import Iterator

from etl.synth.scenarios import times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Line, code_system, lines
from etl.synth.scenarios.medications import number, visit_body
from etl.synth.scenarios.orders import encounter_id
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.results import Value, measure
from etl.synth.scenarios.steps import Actor, Detail, Json, Row, Step
from etl.synth.scenarios.visits import Visit


class Observation(Actor[None]):
    """One value of one vital sign, measured at an instant."""

    def __init__(self, case: Case, line: Line, *, at: int, visit: Visit | None) -> None:
        super().__init__()
        self.sender, self.line = case.sender, line
        self.measured_at, self.visit = at, visit
        self.value: Value = measure(case.rng, line)

    def body(self) -> Json:
        """One element of Observations[]."""
        line = self.line
        return {
            "DateTime": times.text(self.measured_at),
            "Code": line["code"],
            "Codeset": "LOINC",
            "Description": line["name"],
            "Value": self.value.text,
            "ValueType": "Numeric",
            "Units": line["units"],
            "ReferenceRange": {"Low": number(line["low"]), "High": number(line["high"])},
            "AbnormalFlag": self.value.flag,
        }

    def summary_body(self) -> Json:
        """The same value as a clinical summary lists it."""
        line, measured = self.line, times.text(self.measured_at)
        return {
            "Code": line["code"],
            "CodeSystem": code_system("LOINC")["oid"],
            "CodeSystemName": "LOINC",
            "Name": line["name"],
            "DateTime": measured,
            "Status": "completed",
            "Interpretation": self.value.flag,
            "Value": self.value.text,
            "Units": line["units"],
        }

    def row(self) -> Row:
        """The truth of this value."""
        line = self.line
        return {
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": encounter_id(self.visit),
            "source_code_type": code_system("LOINC")["name"],
            "source_code": line["code"],
            "source_description": line["name"],
            "observed_at": self.measured_at,
            "result": self.value.text,
            "result_number": self.value.number,
            "units": line["units"],
            "abnormal_flag": self.value.flag,
        }


def vital_signs(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A round of vital signs; of few the same round comes again with one value more."""
    visit, at = case.visit_and_time(0.9, after)
    chosen = case.rng.sample(lines("vitals"), 3)
    values = [Observation(case, line, at=at, visit=visit) for line in chosen]
    case.actors += values
    at = case.instants.after(at, 0.02, 0.5)
    yield _round(person, at, values[:-1], visit)
    if case.rng.random() < 0.1:
        yield _round(person, case.instants.after(at, 0.1, 1), values, visit)


def _round(person: Person, at: int, values: list[Observation], visit: Visit | None) -> Step:
    body: Json = {"Observations": [value.body() for value in values]} | visit_body(visit)
    return Step(
        at, "Flowsheet", "New", person, body, detail=Detail.NAME,
        outcomes=tuple((value, None) for value in values),
    )  # fmt: skip
