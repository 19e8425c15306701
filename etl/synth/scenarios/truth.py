"""The truth of the end state: one CSV per kind of actor, a line per row that a mart must have.

Times are canonical texts in UTC; a null is an empty cell; booleans are `true` and `false`.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import IO, Any

from etl.synth.scenarios import times
from etl.synth.scenarios.appointments import Appointment
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.orders import Order, Result
from etl.synth.scenarios.people import Record, truth_of
from etl.synth.scenarios.steps import Actor, Row
from etl.synth.scenarios.visits import Visit

TABLES: dict[type[Any], str] = {
    Visit: "encounters",
    Appointment: "appointments",
    Order: "orders",
    Result: "lab_results",
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
            if actor.is_known:
                self._write(TABLES[type(actor)], actor_row(actor))

    def _add_patients(self, case: Case) -> None:
        named = [record for record in case.records if record.messages]
        for record in named:
            if record.merged_into is None:
                retired = [one for one in named if one is not record and one.survivor() is record]
                self._write("patients", patient_row(record, retired))
        for record in case.records:
            if record.messages or record.retired:
                for row in identifier_rows(record):
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
    return row | _seen(actor.first_seen, actor.last_seen, actor.messages)


def _seen(first: int, last: int, messages: int) -> Row:
    return dict(zip(SEEN, (times.text(first), times.text(last), messages), strict=True))


def patient_row(record: Record, retired: list[Record]) -> Row:
    """The row of a patient: one per record that no merge retires."""
    every = [record, *retired]
    facts = truth_of(record, retired)
    head = {"patient_id": record.patient_id, "person_id": record.patient_id}
    source = {"data_source": record.sender.source_id, "source_name": record.sender.name}
    return (
        head
        | source
        | facts
        | _seen(
            min(one.first_seen for one in every),
            max(one.last_seen for one in every),
            sum(one.messages for one in every),
        )
    )


def identifier_rows(record: Record) -> list[Row]:
    """The rows of a record's identifiers."""
    into = record.merged_into
    return [
        {
            "source_id": record.sender.source_id,
            "id_type": id_type,
            "id": value,
            "patient_id": record.survivor().patient_id,
            "is_current": id_type not in record.retired,
            "retired_by": into.patient_id if into and id_type in record.retired else None,
            "is_shared": id_type in record.shared,
        }
        for id_type, value in record.identifiers.items()
    ]


def cell(name: str, value: Any) -> Any:
    """A value as CSV text: instants are numbers of milliseconds under a name that says time."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and name.endswith(("_at", "_datetime")):
        return times.text(value)
    return value
