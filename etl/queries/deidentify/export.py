"""The order of steps of a de-identified copy: marts, codes, files, what each column became, small cells.

Marts only: they are the tables whose columns are known one by one. Rows of no patient in the marts
(raw tables, quarantine, extensions) never leave this way.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from etl.errors import UsageFault
from etl.known_names import look_up
from etl.pipeline.publish import utc_now
from etl.publish.dictionary import MADE_BY, MANIFEST
from etl.publish.export import ExportFormat
from etl.publish.handover import appearing, check_target
from etl.publish.relations import Relation
from etl.queries.deidentify.codes import use_code_book, use_keyed_hashes
from etl.queries.deidentify.rules import NO_MARTS, Mode, class_of
from etl.queries.deidentify.select import Told, id_columns, select_of, told_columns
from etl.queries.reading import open_readable
from etl.settings import Settings
from etl.sql_text import quote
from etl.warehouse.connection import rewritten_errors

MART = "mart."
COLUMNS, CELLS = "columns.csv", "small_cells.csv"
LEAST_PATIENTS = 11
"""As the federal rule for published counts of patients."""
_QUASI = ("birth_date_year", "birth_date_age_class", "sex", "race", "ethnicity", "zip_code_zip3",
          "zip_code", "city", "state")  # fmt: skip
_OPTIONS = {
    ExportFormat.PARQUET: "format parquet, compression snappy",
    ExportFormat.CSV: "format csv, header true, new_line '\\r\\n'",
}


@dataclass(frozen=True, slots=True)
class DeidentifySummary:
    """What was handed over; `small_cells` counts groups of fewer than `least_patients` patients."""

    folder: str
    mode: str
    origin: str
    tables: int
    rows: int
    dropped_columns: int
    small_cells: int

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


def export_deidentified(
    settings: Settings,
    target: Path,
    *,
    mode: Mode,
    tables: Sequence[str] = (),
    file_format: ExportFormat = ExportFormat.PARQUET,
    least_patients: int = LEAST_PATIENTS,
    overwrite: bool = False,
    clock: Callable[[], datetime] = utc_now,
) -> DeidentifySummary:
    """Write marts to a folder by the rules of a mode, one file per mart, with what became of columns.

    Raises UsageFault without a published version, for a name that is no mart, or a folder that is
    not free.
    """
    target = target.expanduser().resolve()
    check_target(target, overwrite=overwrite)
    with open_readable(settings) as readable, rewritten_errors("export the marts"):
        marts = _choose(readable.tables, tables)
        connection = readable.connection
        _make_codes(connection, settings, marts, mode)
        with appearing(target) as folder:
            rows = 0
            for mart in marts:
                file = folder / f"{mart.name}.{file_format}"
                rows += _copy(connection, mart, mode, file, file_format, least_patients)
            dropped = _write_columns(folder, marts, mode, least_patients)
            cells = _write_cells(connection, folder, marts, mode, least_patients)
            manifest = {
                "made_by": MADE_BY, "mode": mode.value, "made_at": clock().isoformat(),
                "least_patients": least_patients, "tables": [mart.name for mart in marts],
            }  # fmt: skip
            (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")
    return DeidentifySummary(
        str(target), mode.value, readable.origin, len(marts), rows, dropped, cells
    )


def _choose(tables: Mapping[str, Relation], names: Sequence[str]) -> list[Relation]:
    known = {
        name.removeprefix(MART): relation
        for name, relation in sorted(tables.items())
        if name.startswith(MART) and name not in NO_MARTS
    }
    if not known:
        raise UsageFault(
            "Only published marts are handed over without names; run `redox-warehouse publish`."
        )
    wanted = [name.removeprefix(MART) for name in names]
    return (
        look_up(wanted, known, "mart that can be handed over") if wanted else list(known.values())
    )


def _make_codes(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    marts: Sequence[Relation],
    mode: Mode,
) -> None:
    wanted: set[tuple[str, str]] = set()
    for mart in marts:
        for kind, column in id_columns(mart, mode):
            query = (
                f"select distinct {column} from {mart.qualified_name} where {column} is not null"
            )
            wanted |= {(kind, str(row[0])) for row in connection.execute(query).fetchall()}
    use = use_keyed_hashes if mode is Mode.SHIFTED else use_code_book
    use(connection, settings.home, wanted)


def _copy(
    connection: duckdb.DuckDBPyConnection,
    mart: Relation,
    mode: Mode,
    file: Path,
    file_format: ExportFormat,
    least_patients: int,
) -> int:
    """Rows sorted by what is in them, so that their order says nothing of when they came."""
    select = select_of(mart, mode, least_patients=least_patients)
    row = connection.execute(
        f"copy (select * from ({select}) order by all) to {quote(str(file))} "
        f"({_OPTIONS[file_format]})"
    ).fetchall()
    file.chmod(0o600)
    return int(row[0][0])


def _write_columns(folder: Path, marts: Sequence[Relation], mode: Mode, least_patients: int) -> int:
    """What became of every column of every mart; gives how many were left out."""
    dropped = 0
    with (folder / COLUMNS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(("mart", "column", "class", "action", "handed_over_as"))
        for mart in marts:
            told: dict[str, list[Told]] = {}
            for one in told_columns(mart, mode, least_patients=least_patients):
                told.setdefault(one.column, []).append(one)
            for column in mart.columns:
                own = told.get(column.name, [])
                dropped += not own
                action = own[0].action if own else "drop"
                names = " ".join(one.name for one in own)
                writer.writerow((mart.name, column.name, class_of(column.name), action, names))
    (folder / COLUMNS).chmod(0o600)
    return dropped


def _write_cells(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    marts: Sequence[Relation],
    mode: Mode,
    least_patients: int,
) -> int:
    """Groups of patients by what outsiders may know of them, and how many groups are small.

    Numbers only: naming a small group would hand over what it is about.
    """
    patient = next((mart for mart in marts if mart.name == "patient"), None)
    lines = list(_cells(connection, patient, mode, least_patients)) if patient else []
    with (folder / CELLS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(("columns", "groups", "small_groups", "patients_in_small_groups"))
        writer.writerows(lines)
    (folder / CELLS).chmod(0o600)
    return int(lines[-1][2]) if lines else 0


def _cells(
    connection: duckdb.DuckDBPyConnection, patient: Relation, mode: Mode, least_patients: int
) -> Iterator[tuple[str, int, int, int]]:
    """Each column alone, then all together."""
    select = select_of(patient, mode, least_patients=least_patients)
    names = [one.name for one in told_columns(patient, mode, least_patients=least_patients)]
    own = [name for name in _QUASI if name in names]
    for columns in [*([name] for name in own), own]:
        listing = ", ".join(columns)
        row = connection.execute(
            "select count(*), count(*) filter (where patients < ?), "
            "coalesce(sum(patients) filter (where patients < ?), 0) from "
            f"(select {listing}, count(*) as patients from ({select}) group by all)",
            [least_patients, least_patients],
        ).fetchall()[0]
        yield " ".join(columns), int(row[0]), int(row[1]), int(row[2])
