"""Inserts rows into the warehouse's tables, inside the caller's transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from etl.duckdb_files import planned_simply

CARRY_LOAD_ID = ("core.message", "quality.finding", "quality.finding_count")
ENOUGH_BYTES = 12 * 2**20
MOST_BYTES = 256 * 2**20
# Of a value on the average; asking each column for its size takes longer than gathering it.
VALUE_BYTES = 16


@dataclass(slots=True)
class _Waiting:
    tables: list[pa.Table] = field(default_factory=list)
    size_bytes: int = 0


class Inserting:
    """Inserts the rows of one load: a table once enough has gathered, the rest at the end.

    Columns go by name, missing ones are null; tables that carry a load_id get it here. Statements
    are many and simple: planning them costs more than an optimizer or a second thread would save.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, load_id: int) -> None:
        self._connection = connection
        self._load_id = load_id
        self._waiting: dict[str, _Waiting] = {}
        self._waiting_bytes = 0
        self.rows: Counter[str] = Counter()

    def add(self, rows: Iterable[tuple[str, pa.Table]]) -> None:
        """Take rows by qualified table name."""
        for name, table in rows:
            waiting = self._waiting.setdefault(name, _Waiting())
            waiting.tables.append(table)
            size_bytes = table.num_rows * table.num_columns * VALUE_BYTES
            waiting.size_bytes += size_bytes
            self._waiting_bytes += size_bytes
            self.rows[name] += table.num_rows
        large = [name for name, own in self._waiting.items() if own.size_bytes > ENOUGH_BYTES]
        if self._waiting_bytes > MOST_BYTES:
            large = self._largest_half()
        if large:
            self._insert_all(large)

    def _largest_half(self) -> list[str]:
        """Those that free half of the memory: a statement for few rows costs what one for many does."""
        by_size = sorted(self._waiting, key=lambda name: -self._waiting[name].size_bytes)
        taken, left = 0, self._waiting_bytes
        while left > MOST_BYTES // 2:
            left -= self._waiting[by_size[taken]].size_bytes
            taken += 1
        return by_size[:taken]

    def finish(self) -> None:
        """Insert what is left."""
        self._insert_all(list(self._waiting))

    def _insert_all(self, names: list[str]) -> None:
        with planned_simply(self._connection), self._in_one_thread():
            for name in names:
                waiting = self._waiting.pop(name)
                self._waiting_bytes -= waiting.size_bytes
                self._insert(name, pa.concat_tables(waiting.tables, promote_options="default"))

    def _insert(self, name: str, rows: pa.Table) -> None:
        """DuckDB finds `rows` by its name here; registering it first takes as long again."""
        load = f", {self._load_id} as load_id" if name in CARRY_LOAD_ID else ""
        self._connection.execute(f"insert into {name} by name select *{load} from rows")

    @contextmanager
    def _in_one_thread(self) -> Iterator[None]:
        self._connection.execute("set threads = 1")
        yield
        self._connection.execute("reset threads")
