"""Stages rows as Parquet files, one or a few per table, ready to be inserted in one transaction.

Staged files are named by UUID: two attempts of the same work never overwrite each other. They appear
whole, so that they can be inserted while others are written.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FLUSH_BYTES = 6 * 2**20


@dataclass(frozen=True, slots=True)
class StagedTable:
    """The staged files of one table and how many rows they hold."""

    name: str
    files: tuple[str, ...]
    rows: int


@dataclass(slots=True)
class _Pending:
    tables: list[pa.Table] = field(default_factory=list)
    size_bytes: int = 0
    files: list[str] = field(default_factory=list)
    rows: int = 0


class Staging:
    """Collects rows per qualified table name; columns may be missing and mean null."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: dict[str, _Pending] = {}

    def add(self, qualified_name: str, rows: pa.Table) -> None:
        """Take rows of one table; written once enough have gathered."""
        if rows.num_rows == 0:
            return
        pending = self._pending.setdefault(qualified_name, _Pending())
        pending.tables.append(rows)
        pending.rows += rows.num_rows
        pending.size_bytes += rows.nbytes
        if pending.size_bytes > FLUSH_BYTES:
            self._write(qualified_name, pending)

    def finish(self) -> tuple[StagedTable, ...]:
        """Write what is left; gives every table that has rows."""
        for name, pending in self._pending.items():
            if pending.tables:
                self._write(name, pending)
        return tuple(
            StagedTable(name, tuple(pending.files), pending.rows)
            for name, pending in self._pending.items()
        )

    def _write(self, name: str, pending: _Pending) -> None:
        path = self._folder / f"{name}.{uuid.uuid4().hex}.parquet"
        unfinished = path.with_suffix(".unfinished")
        rows = pa.concat_tables(pending.tables, promote_options="default")
        pq.write_table(
            rows,
            unfinished,
            compression="none",
            use_dictionary=False,
            write_statistics=False,
            row_group_size=max(rows.num_rows, 1),
        )
        unfinished.rename(path)
        pending.files.append(str(path))
        pending.tables.clear()
        pending.size_bytes = 0
