"""Copies tables into single files that can be handed over: Parquet or CSV, one file per table.

CSV is RFC 4180: CRLF, a header, quotes doubled, UTF-8; null is empty, times are ISO 8601 in UTC.
Parquet is compressed by snappy, which every reader knows. Rows are sorted by the table's key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import duckdb

from etl.publish.relations import INSTANT, Column, Relation, plain_expression
from etl.sql_text import quote

_ISO_INSTANT = "strftime({}, '%Y-%m-%dT%H:%M:%S.%fZ')"


class ExportFormat(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"


_OPTIONS = {
    ExportFormat.PARQUET: "format parquet, compression snappy",
    ExportFormat.CSV: "format csv, header true, new_line '\\r\\n'",
}


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """One table that was copied; `file` is relative to the export's folder."""

    relation: Relation
    file: str
    rows: int
    bytes: int


def export_tables(
    connection: duckdb.DuckDBPyConnection,
    relations: Iterable[Relation],
    folder: Path,
    *,
    file_format: ExportFormat,
) -> Iterator[ExportedTable]:
    """Copy each relation to `<schema>/<table>.<format>` below a folder."""
    for relation in relations:
        file = f"{relation.schema}/{relation.name}.{file_format}"
        target = folder / file
        target.parent.mkdir(exist_ok=True, mode=0o700)
        row = connection.execute(
            f"copy ({_query(relation, file_format)}) to {quote(str(target))} "
            f"({_OPTIONS[file_format]})"
        ).fetchone()
        target.chmod(0o600)
        yield ExportedTable(relation, file, int(row[0]) if row else 0, target.stat().st_size)


def _query(relation: Relation, file_format: ExportFormat) -> str:
    columns = ", ".join(f"{_told(c, file_format)} as {c.name}" for c in relation.columns)
    order = f" order by {', '.join(relation.key)}" if relation.key else ""
    return f"select {columns} from {relation.qualified_name}{order}"


def _told(column: Column, file_format: ExportFormat) -> str:
    if file_format is ExportFormat.CSV and column.sql_type == INSTANT:
        return _ISO_INSTANT.format(column.name)
    return plain_expression(column)
