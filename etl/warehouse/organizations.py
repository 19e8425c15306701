"""Takes HOME/organizations.csv into the warehouse: which organization is behind which sender.

Columns source_id, facility_code, organization; an empty facility_code means every facility.
"""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb

from etl.errors import UsageFault

COLUMNS = ("source_id", "facility_code", "organization")

_STORED = f"select {', '.join(COLUMNS)} from quality.organization order by all"

Organizations = list[tuple[str, ...]]


def read_organizations(path: Path) -> Organizations | None:
    """The distinct lines of the file in order, None without a file.

    Raises UsageFault, which names every line that is wrong.
    """
    if not path.is_file():
        return None
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageFault("organizations.csv is not UTF-8 text; save it as UTF-8.") from None
    reader = csv.reader(text.splitlines(keepends=True))
    header = [name.strip() for name in next(reader, [])]
    if not set(COLUMNS) <= set(header):
        raise UsageFault(
            f"organizations.csv needs the columns {', '.join(COLUMNS)}; correct its header."
        )
    rows, faults = set(), []
    for values in reader:
        if not any(values):
            continue
        line = {name: value.strip() for name, value in zip(header, values, strict=False)}
        if len(values) != len(header):
            faults.append(f"line {reader.line_num} has {len(values)} values")
        elif not line["organization"]:
            faults.append(f"line {reader.line_num} names no organization")
        rows.add(tuple(line.get(name, "") for name in COLUMNS))
    if faults:
        raise UsageFault(
            f"organizations.csv needs {len(header)} values on each line and an organization, but "
            f"{', '.join(faults)}; correct the file."
        )
    return sorted(rows)


def has_organizations(connection: duckdb.DuckDBPyConnection, wanted: Organizations | None) -> bool:
    """True if quality.organization holds what the file says; without a file nothing is asked."""
    return wanted is None or connection.execute(_STORED).fetchall() == wanted


def sync_organizations(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Make quality.organization hold what the file says; without a file it is left as it is.

    Raises UsageFault, see `read_organizations`.
    """
    wanted = read_organizations(path)
    if wanted is None or has_organizations(connection, wanted):
        return
    connection.execute("delete from quality.organization")
    if wanted:
        connection.executemany("insert into quality.organization values (?, ?, ?)", wanted)
