"""Takes HOME/organizations.csv into the warehouse: which organization stands behind which sender.

Columns source_id, facility_code, organization; an empty facility_code means every facility.
"""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb

from etl.errors import UsageFault

COLUMNS = ("source_id", "facility_code", "organization")


def sync_organizations(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Make quality.organization hold what the file says; without a file it is left as it is.

    Raises UsageFault when the file lacks a column.
    """
    if not path.is_file():
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise UsageFault(
                f"organizations.csv needs the columns {', '.join(COLUMNS)}; correct its header."
            )
        wanted = sorted({tuple(str(row[name]) for name in COLUMNS) for row in reader})
    query = f"select {', '.join(COLUMNS)} from quality.organization order by all"
    if connection.execute(query).fetchall() == wanted:
        return
    connection.execute("delete from quality.organization")
    if wanted:
        connection.executemany("insert into quality.organization values (?, ?, ?)", wanted)
