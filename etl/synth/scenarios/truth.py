"""The truth of the end state: one CSV per kind of actor, a line per row that a mart must have.

Times are canonical texts in UTC; a null is an empty cell; booleans are `true` and `false`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from etl.synth.scenarios import times
from etl.synth.scenarios.appointments import Appointment
from etl.synth.scenarios.billing import BilledDiagnosis, Charge, ClaimLine
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.documents import Note
from etl.synth.scenarios.medications import Administration, MedicationOrder
from etl.synth.scenarios.observations import Observation
from etl.synth.scenarios.orders import Order, Result
from etl.synth.scenarios.people import Record, Seen, truth_of
from etl.synth.scenarios.plans import coverage_rows
from etl.synth.scenarios.steps import Actor, Row
from etl.synth.scenarios.summary_entries import (
    Activity,
    Allergy,
    ListedMedication,
    Problem,
    Procedure,
)
from etl.synth.scenarios.vaccinations import Vaccination
from etl.synth.scenarios.visits import Diagnosis, Visit

TABLES: dict[type[Any], str] = {
    Visit: "encounters",
    Diagnosis: "diagnoses",
    BilledDiagnosis: "diagnoses",
    Problem: "diagnoses",
    Appointment: "appointments",
    Order: "orders",
    Result: "lab_results",
    Observation: "observations",
    MedicationOrder: "medications",
    ListedMedication: "medications",
    Administration: "medication_administrations",
    Allergy: "allergies",
    Vaccination: "immunizations",
    Note: "documents",
    Procedure: "procedures",
    Activity: "procedures",
    Charge: "charges",
    ClaimLine: "claim_lines",
}
SEEN = ("first_seen_at", "last_seen_at", "messages")


class Truth:
    """The files of truth, each opened when its first row comes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._files: dict[str, IO[str]] = {}
        self._writers: dict[str, csv.DictWriter[str]] = {}

    def add(self, case: Case) -> None:
        """Write the rows of a case whose last message has been sent."""
        self._add_patients(case)
        for actor in case.actors:
            if actor.is_known and actor.is_true:
                self._write(TABLES[type(actor)], actor_row(actor))
        for visit in case.known_visits():
            for row in visit.location_rows():
                self._write("encounter_locations", row)

    def _add_patients(self, case: Case) -> None:
        named = [record for record in case.records if record.seen.messages]
        for record in named:
            if record.merged_into is None:
                retired = [one for one in named if one is not record and one.survivor() is record]
                self._write("patients", patient_row(record, retired))
                for row in plan_rows(record, retired):
                    self._write("coverages", row)
        for row in identifier_rows(case.records):
            self._write("patient_identifiers", row)

    def _write(self, table: str, row: Row) -> None:
        if table not in self._writers:
            self._files[table] = (self._folder / f"{table}.csv").open(
                "w", encoding="utf-8", newline=""
            )
            self._writers[table] = csv.DictWriter(
                self._files[table], list(row), lineterminator="\n"
            )
            self._writers[table].writeheader()
        self._writers[table].writerow({name: cell(name, value) for name, value in row.items()})

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def actor_row(actor: Actor[Any]) -> Row:
    """The row of a visit, an appointment, an order or a result, with when it was heard of."""
    row: Row = actor.row()
    return row | _seen(actor.seen)


def _seen(seen: Seen) -> Row:
    times_of = (times.text(seen.first), times.text(seen.last))
    return dict(zip(SEEN, (*times_of, seen.messages), strict=True))


def patient_row(record: Record, retired: list[Record]) -> Row:
    """The row of a patient: one per record that no merge retires."""
    seen = record.seen
    for one in retired:
        seen = seen.with_(one.seen)
    head = {"patient_id": record.patient_id, "person_id": record.patient_id}
    source = {"data_source": record.sender.source_id, "source_name": record.sender.name}
    return head | source | truth_of(record, retired) | _seen(seen)


def plan_rows(record: Record, retired: list[Record]) -> Iterator[Row]:
    """The rows of the newest list of insurances that any message of a patient carried."""
    head = {
        "patient_id": record.patient_id,
        "data_source": record.sender.source_id,
        "source_name": record.sender.name,
    }
    _, plans = max((one.plans_told for one in (record, *retired)), key=lambda told: told[0])
    return coverage_rows(head, plans)


def identifier_rows(records: list[Record]) -> Iterator[Row]:
    """The rows of the identifiers of a case; a shared one leads to the patient heard of last."""
    carriers: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        for name in record.identifiers.items():
            if record.seen.messages or name[0] in record.retirings:
                carriers.setdefault(name, []).append(record)
    for (id_type, value), found in carriers.items():
        newest = max(found, key=lambda record: record.seen.last)
        into = newest.merged_into if id_type in newest.retired else None
        seen = Seen()
        for record in found:
            seen = seen.with_(record.seen).with_(record.retirings.get(id_type, Seen()))
        yield {
            "source_id": newest.sender.source_id,
            "id_type": id_type,
            "id": value,
            "patient_id": newest.survivor().patient_id,
            "is_current": into is None,
            "retired_by": into.identifiers[id_type] if into else None,
            "is_shared": len({record.survivor() for record in found}) > 1,
        } | _seen(seen)


def cell(name: str, value: Any) -> Any:
    """A value as CSV text: instants are numbers of milliseconds under a name that says time."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and name.endswith(("_at", "_datetime")):
        return times.text(value)
    return value
