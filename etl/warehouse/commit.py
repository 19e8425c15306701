"""Inserts staged Parquet files into the warehouse's tables, inside the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from etl.warehouse.connection import quote

CARRY_LOAD_ID = ("core.message", "quality.finding", "quality.finding_count")


class StagedInsert:
    """Inserts the staged files of one load, those that are finished while others are written.

    Staged files appear under their final name when they are whole, `<table>.<uuid>.parquet`.
    Columns go by name, missing ones are null; tables that carry a load_id get it here, where it is
    known. Statements are many and simple: planning them costs more than an optimizer or a second
    thread would save.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, *, load_id: int
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._load_id = load_id
        self._inserted: set[str] = set()

    def insert_finished(self) -> None:
        """Insert the files that are there already."""
        found = {str(path) for path in self._folder.glob("*.parquet")} - self._inserted
        with self._simply():
            for path in sorted(found):
                self._insert(Path(path).name.rsplit(".", 2)[0], [path])

    def insert_rest(self, staged: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Insert what is left of all (qualified table, files) that were staged."""
        files: dict[str, list[str]] = defaultdict(list)
        for table, paths in staged:
            files[table].extend(path for path in paths if path not in self._inserted)
        with self._simply():
            for table, paths in files.items():
                if paths:
                    self._insert(table, paths)

    def _insert(self, table: str, paths: Sequence[str]) -> None:
        load = f", {self._load_id} as load_id" if table in CARRY_LOAD_ID else ""
        listing = ", ".join(map(quote, paths))
        union = ", union_by_name = true" if len(paths) > 1 else ""
        self._connection.execute(
            f"insert into {table} by name select *{load} from read_parquet([{listing}]{union})"
        )
        self._inserted.update(paths)

    @contextmanager
    def _simply(self) -> Iterator[None]:
        self._connection.execute("pragma disable_optimizer")
        self._connection.execute("set threads = 1")
        try:
            yield
        finally:
            self._connection.execute("reset threads")
            self._connection.execute("pragma enable_optimizer")


def delete_messages(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[str], first: int, stop: int
) -> None:
    """Delete the rows of messages first <= message_id < stop from tables keyed by message_id."""
    for table in tables:
        connection.execute(
            f"delete from {table} where message_id >= ? and message_id < ?", [first, stop]
        )
