"""The entries of the lists in a Clinical Summary: each with its body, its state and its truth."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from etl.synth.scenarios import times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Line, code_system
from etl.synth.scenarios.medications import product_body, product_row, route_body
from etl.synth.scenarios.steps import Actor, Json, Row
from etl.synth.scenarios.visits import coded

ACTIVE = {"Code": "55561003", "Name": "Active"}
RESOLVED = {"Code": "413322009", "Name": "Resolved"}
NO_ALLERGY = {
    "code": "716186003", "code_system_name": "SNOMED CT", "code_system": "2.16.840.1.113883.6.96",
    "name": "No known allergy", "severity_code": "", "severity": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntryState:
    """An entry as the newest list that has it says, and whether the newest list of all has it."""

    status: str
    is_listed: bool = True
    resolved_at: int | None = None


class Entry(Actor[EntryState]):
    """An entry of one of the lists; `section` names the list, `began_at` is since when."""

    section = ""

    def __init__(self, case: Case, line: Line, began_at: int) -> None:
        super().__init__()
        self.sender, self.line, self.began_at = case.sender, line, began_at

    @abstractmethod
    def body(self, state: EntryState) -> Json:
        """The element of its list."""

    def head(self) -> Row:
        """The columns that all entries share."""
        return {
            "patient_id": self.record.survivor().patient_id,
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
        }


class Problem(Entry):
    """A problem: a diagnosis that lasts."""

    section = "Problems"

    def body(self, state: EntryState) -> Json:
        status = RESOLVED if state.status == "Resolved" else ACTIVE
        body = {
            **code_body(self.line, "ICD-10-CM"),
            "StartDate": times.text(self.began_at),
            "Status": {**status, "CodeSystem": _oid("SNOMED CT"), "CodeSystemName": "SNOMED CT"},
        }
        if state.resolved_at is not None:
            body["EndDate"] = times.text(state.resolved_at)
        return body

    def row(self) -> Row:
        """The truth of this problem, in the columns of the diagnoses of visits."""
        state = self.state
        return {
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": None,
            "condition_type": "problem",
            **coded(self.line, "ICD-10-CM"),
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "status": state.status,
            "onset_at": self.began_at,
            "resolved_at": state.resolved_at,
            "is_on_latest_list": state.is_listed,
        }


class ListedMedication(Entry):
    """A medication that a patient takes, known by product and start."""

    section = "Medications"

    def body(self, state: EntryState) -> Json:
        product = self.line
        return {
            **product_body(product),
            "Dose": {"Quantity": product["dose"], "Units": product["units"]},
            "Route": route_body(product),
            "Frequency": {"Period": product["period"], "Unit": product["frequency_unit"]},
            "StartDate": times.text(self.began_at),
            "Status": state.status,
        }

    def row(self) -> Row:
        """The truth of this entry, in the columns of medication orders."""
        return {
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "order_id": None,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": None,
            **product_row(self.line, self.line["dose"]),
            "status": self.state.status,
            "start_at": self.began_at,
            "practitioner_id": None,
            "is_on_latest_list": self.state.is_listed,
        }


class Allergy(Entry):
    """An allergy, or that none is known."""

    section = "Allergies"

    @property
    def is_negative(self) -> bool:
        return self.line is NO_ALLERGY

    def body(self, state: EntryState) -> Json:
        line = self.line
        body: Json = {
            "IsNegativeIndicator": self.is_negative,
            "Substance": {
                "Code": line["code"],
                "CodeSystem": line["code_system"],
                "CodeSystemName": line["code_system_name"],
                "Name": line["name"],
            },
            "Status": {**ACTIVE, "CodeSystem": _oid("SNOMED CT"), "CodeSystemName": "SNOMED CT"},
        }
        if line["severity"]:
            body["Severity"] = {
                "Code": line["severity_code"],
                "CodeSystem": _oid("SNOMED CT"),
                "CodeSystemName": "SNOMED CT",
                "Name": line["severity"],
            }
            body["StartDate"] = times.text(self.began_at)
        return body

    def row(self) -> Row:
        """The truth of this allergy."""
        line = self.line
        return {
            **self.head(),
            "source_code_type": code_system(line["code_system_name"])["name"],
            "source_code": line["code"],
            "source_description": line["name"],
            "is_negative": self.is_negative,
            "severity": line["severity"] or None,
            "status": self.state.status,
            "onset_at": None if self.is_negative else self.began_at,
            "is_on_latest_list": self.state.is_listed,
        }


class Procedure(Entry):
    """A procedure that was done."""

    section = "Procedures"

    def body(self, state: EntryState) -> Json:
        return {
            **code_body(self.line, "SNOMED CT"),
            "DateTime": times.text(self.began_at),
            "Status": state.status,
        }

    def row(self) -> Row:
        """The truth of this procedure."""
        return {
            **self.head(),
            "encounter_id": None,
            "source_code_type": code_system("SNOMED CT")["name"],
            "source_code": self.line["code"],
            "source_description": self.line["name"],
            "procedure_at": self.began_at,
            "status": self.state.status,
        }


class Activity(Procedure):
    """A procedure that only observed the patient: summaries list these apart."""

    section = "Activities"


def code_body(line: Line, system: str) -> Json:
    """A coded value as summaries have it, of a system by its name."""
    return {
        "Code": line["code"],
        "CodeSystem": _oid(system),
        "CodeSystemName": system,
        "Name": line["name"],
    }


def _oid(system: str) -> str:
    return code_system(system)["oid"]
