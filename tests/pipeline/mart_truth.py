"""Compares marts with the truth that scenarios write: every row, every column both have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

# names that the truth and the mart have for one column, where they differ
RENAMED: dict[str, dict[str, str]] = {"diagnosis": {"source_description": "description"}}


@dataclass(frozen=True, slots=True)
class Compared:
    """A mart and the file of its truth; rows are matched by `key`."""

    mart: str
    file: str
    key: tuple[str, ...]
    where: str = "true"


COMPARED = (
    Compared("patient", "patients", ("patient_id",)),
    Compared("patient_identifier", "patient_identifiers", ("source_id", "id_type", "id")),
    Compared("encounter", "encounters", ("encounter_id",)),
    Compared("appointment", "appointments", ("appointment_id",)),
    Compared(
        "lab_result",
        "lab_results",
        ("data_source", "accession_number", "source_component_code", "repetition"),
    ),
    Compared(
        "diagnosis",
        "diagnoses",
        ("patient_id", "encounter_id", "condition_type", "source_code_type", "source_code"),
    ),
    Compared("encounter_location", "encounter_locations", ("encounter_id", "from_at")),
    Compared("orders", "orders", ("source_id", "order_id")),
    Compared(
        "observation",
        "observations",
        ("data_source", "patient_id", "source_code", "observed_at", "result"),
    ),
    Compared(
        "medication",
        "medications",
        ("data_source", "order_id", "patient_id", "source_code", "start_at"),
    ),
    Compared(
        "medication_administration",
        "medication_administrations",
        ("data_source", "order_id", "source_code", "start_at"),
    ),
    Compared("allergy", "allergies", ("patient_id", "source_code")),
    Compared("immunization", "immunizations", ("patient_id", "source_code", "occurrence_at")),
    Compared("document", "documents", ("data_source", "document_id")),
    Compared(
        "procedure",
        "procedures",
        ("patient_id", "source_code", "procedure_at"),
        where="data_model = 'Clinical Summary'",
    ),
    Compared("charge", "charges", ("data_source", "charge_id")),
    Compared("claim_line", "claim_lines", ("data_source", "claim_id", "claim_line_number")),
    Compared("coverage", "coverages", ("patient_id", "priority")),
)


def differences(connection: duckdb.DuckDBPyConnection, truth: Path, one: Compared) -> list[str]:
    """What a mart says otherwise than the truth: rows that miss or are too many, values by column."""
    columns = _columns(connection, f"mart.{one.mart}")
    told = _told_columns(connection, truth / f"{one.file}.csv")
    renamed = RENAMED.get(one.mart, {})
    pairs = {name: renamed.get(name, name) for name in told}
    unknown = [name for name, own in pairs.items() if own not in columns]
    if unknown:
        return [f"{one.mart} has no {', '.join(unknown)}"]
    truth_list = ", ".join(
        f"cast({name} as {columns[own]}) as {own}" for name, own in pairs.items()
    )
    connection.execute(
        f"create or replace temp table told as select {truth_list} from "
        f"read_csv('{truth / one.file}.csv', all_varchar = true, header = true)"
    )
    owns = list(pairs.values())
    connection.execute(
        f"create or replace temp table made as select {', '.join(owns)} from mart.{one.mart} "
        f"where {one.where}"
    )
    same = " and ".join(f"told.{k} is not distinct from made.{k}" for k in one.key)
    found = []
    for name, left, right in (("missing", "told", "made"), ("too many", "made", "told")):
        rows = connection.execute(
            f"select {', '.join(one.key)} from {left} where not exists "
            f"(select 1 from {right} where {same})"
        ).fetchall()
        found += [f"{one.mart}: {len(rows)} rows {name}, such as {rows[0]}"] if rows else []
    where = ", ".join(f"told.{name}" for name in one.key)
    for own in owns:
        row = connection.execute(
            f"select count(*), arg_min(told.{own}, ({where})), arg_min(made.{own}, ({where})), "
            f"min(({where})) from told inner join made on {same} "
            f"where told.{own} is distinct from made.{own}"
        ).fetchone()
        if row and row[0]:
            found.append(f"{one.mart}.{own}: {row[0]} differ, such as {row[1:]}")
    return found


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"describe {name}").fetchall()}


def _told_columns(connection: duckdb.DuckDBPyConnection, file: Path) -> list[str]:
    query = f"describe select * from read_csv('{file}', all_varchar = true, header = true)"
    return [row[0] for row in connection.execute(query).fetchall()]
