"""Puts a table's Parquet files into a version: shared with the last version where nothing changed,
else written again.

One file per slice, zstd, all columns optional, sorted by the table's key (tables of counts excepted).
A table without rows has one file that holds its schema.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import duckdb

from etl.errors import PermanentError
from etl.publish.given import GivenFile, has_all_columns, select_of
from etl.publish.manifest import EMPTY, Part, TableFiles, columns_of
from etl.publish.relations import MESSAGE_ID, SLICE, Relation, plain_columns
from etl.publish.state import WHOLE, Signatures, WarehouseState, is_count
from etl.sql_text import quote
from models.tables.plan import SLICE_BITS

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_MODE = 0o400
_LINK_REFUSED = {errno.EXDEV, errno.EMLINK, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP}
_OPTIMIZERS = "('filter_pushdown', 'unused_columns')"


@dataclass(frozen=True, slots=True)
class Earlier:
    """The version before: its folder and what it held."""

    folder: Path
    tables: Mapping[str, TableFiles]


@dataclass(slots=True)
class Written:
    """How many files were written and how many are shared with the version before."""

    written: int = 0
    shared: int = 0

    def plus(self, other: Written) -> Written:
        """Both together."""
        return Written(self.written + other.written, self.shared + other.shared)


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    state: WarehouseState,
    folder: Path,
    *,
    earlier: Earlier | None,
    workers: int,
    given: Mapping[str, Sequence[GivenFile]] | None = None,
) -> tuple[dict[str, TableFiles], Written]:
    """Give every table its files below `folder`, several tables at once.

    Tables that have `given` files take those, each as a part.
    """
    existing = given or {}
    with _cursors(connection, workers) as cursors, ThreadPoolExecutor(workers) as pool:

        def write(name: str) -> tuple[TableFiles, Written]:
            cursor = cursors.get()
            try:
                table = _TableWriter(cursor, state.relations[name], folder, earlier)
                if name in existing:
                    return table.take(existing[name]), table.done
                return table.write(state.parts[name]), table.done
            finally:
                cursors.put(cursor)

        names = sorted(state.relations)
        results = dict(zip(names, pool.map(write, names), strict=True))
    total = Written()
    for _, done in results.values():
        total.written += done.written
        total.shared += done.shared
    return {name: files for name, (files, _) in results.items()}, total


@contextmanager
def _cursors(
    connection: duckdb.DuckDBPyConnection, count: int
) -> Iterator[SimpleQueue[duckdb.DuckDBPyConnection]]:
    """Cursors with few optimizers.

    Statistics would make a column of a slice without nulls REQUIRED, so that the files of one
    table had different schemas; the others only cost time, a quarter of a small table's copy.
    """
    row = connection.execute(
        f"select string_agg(name, ',') from duckdb_optimizers() where name not in {_OPTIMIZERS}"
    ).fetchone()
    connection.execute(f"set disabled_optimizers = {quote(str(row[0]) if row else '')}")
    queue: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
    with ExitStack() as stack:
        for _ in range(count):
            queue.put(stack.enter_context(connection.cursor()))
        yield queue
    connection.execute("set disabled_optimizers = ''")


def link_or_copy(source: Path, target: Path, size_bytes: int) -> bool:
    """Share a file by hard link, or by copy where links are refused.

    False without a file of this size, or where nothing is.
    """
    try:
        if source.stat().st_size != size_bytes:
            return False
        os.link(source, target)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in _LINK_REFUSED:
            raise
        shutil.copy2(source, target)
    return True


class _TableWriter:
    """Writes or shares the files of one table."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        relation: Relation,
        folder: Path,
        earlier: Earlier | None,
    ) -> None:
        self.cursor = cursor
        self.relation = relation
        self.folder = folder / relation.schema / relation.name
        self.columns = columns_of(relation)
        self.done = Written()
        self.known: dict[str, Part] = {}
        self.earlier_folder = self.folder
        files = earlier.tables.get(relation.qualified_name) if earlier else None
        if earlier and files and (files.columns, files.key) == (self.columns, relation.key):
            self.known = {part.part: part for part in files.parts}
            self.earlier_folder = earlier.folder / relation.schema / relation.name

    def take(self, files: Sequence[GivenFile]) -> TableFiles:
        self._make_folder()
        parts = [self._share(file.name, file.sha256) or self._take(file) for file in files]
        return TableFiles(self.columns, self.relation.key, tuple(parts))

    def _take(self, file: GivenFile) -> Part:
        """The file itself by hard link; one without newer columns is written with them, once."""
        target = self.folder / f"{file.name}.parquet"
        if not has_all_columns(self.relation, file):
            self._copy_query(select_of(self.relation, [file]), target)
            target.chmod(FILE_MODE)
            self.done.written += 1
            return Part.written(file.name, file.rows, target, signature=file.sha256)
        if not link_or_copy(file.path, target, file.bytes):
            raise PermanentError(
                f"A file of {self.relation.qualified_name} in HOME/lake is missing or cut off; "
                "restore it from a backup, then publish again."
            )
        self.done.written += 1
        return Part(file.name, file.rows, file.bytes, file.sha256, file.sha256)

    def _make_folder(self) -> None:
        self.folder.parent.mkdir(exist_ok=True, mode=0o700)
        self.folder.mkdir(mode=0o700)

    def write(self, signatures: Signatures) -> TableFiles:
        self._make_folder()
        parts = {name: self._share(name, signature) for name, signature in signatures.items()}
        missing = [name for name, part in parts.items() if part is None]
        filled = self._filled(missing) if len(missing) > 1 else set(missing)
        for name in missing:
            signature = signatures[name]
            parts[name] = (
                self._copy(name, signature) if name in filled else Part(name, 0, 0, signature)
            )
        present = [part for part in parts.values() if part is not None]
        if not any(part.has_file for part in present):
            present.append(self._share(EMPTY, EMPTY) or self._copy(EMPTY, EMPTY))
        return TableFiles(self.columns, self.relation.key, tuple(sorted(present, key=_place)))

    def _share(self, name: str, signature: str) -> Part | None:
        """The part as it was, when it can be taken over."""
        part = self.known.get(name)
        if part is None or part.signature != signature:
            return None
        if part.has_file and not self._link(part):
            return None
        return part

    def _link(self, part: Part) -> bool:
        source, target = self.earlier_folder / part.file_name, self.folder / part.file_name
        is_linked = link_or_copy(source, target, part.bytes)
        self.done.shared += is_linked
        return is_linked

    def _filled(self, names: list[str]) -> set[str]:
        """Which of the slices hold rows."""
        if WHOLE in names:
            return set(names)
        query = f"select distinct {self._slice_of_row()} from {self.relation.qualified_name}"
        return {str(row[0]) for row in self.cursor.execute(query).fetchall()}

    def _slice_of_row(self) -> str:
        by_message = self.relation.has_column(MESSAGE_ID)
        return f"{MESSAGE_ID} >> {SLICE_BITS}" if by_message else SLICE

    def _copy(self, name: str, signature: str) -> Part:
        target = self.folder / f"{name}.parquet"
        rows = self._copy_rows(name, target)
        if not rows and name != EMPTY:
            target.unlink()
            return Part(name, 0, 0, signature)
        target.chmod(FILE_MODE)
        self.done.written += 1
        return Part.written(name, rows, target, signature=signature)

    def _copy_rows(self, name: str, target: Path) -> int:
        relation = self.relation
        query = (
            f"select {', '.join(plain_columns(relation))} from {relation.qualified_name} "
            f"where {self._filter(name)}{self._order()}"
        )
        return self._copy_query(query, target)

    def _copy_query(self, query: str, target: Path) -> int:
        row = self.cursor.execute(
            f"copy ({query}) to {quote(str(target))} (format parquet, compression zstd)"
        ).fetchone()
        return int(row[0]) if row else 0

    def _order(self) -> str:
        """Counts stay in the order in which they were counted.

        Sorting 3.5 million path counts by their eight keys took 8 s of 10, and the file grew by a
        quarter.
        """
        key = () if is_count(self.relation) else self.relation.key
        return f" order by {', '.join(key)}" if key else ""

    def _filter(self, name: str) -> str:
        if name == EMPTY:
            return "false"
        if name == WHOLE:
            return "true"
        if not self.relation.has_column(MESSAGE_ID):
            return f"{SLICE} = {int(name)}"
        first = int(name) << SLICE_BITS
        return f"{MESSAGE_ID} between {first} and {first + (1 << SLICE_BITS) - 1}"


def _place(part: Part) -> tuple[bool, int, str]:
    """Slices by number, then the rest."""
    return not part.part.isdigit(), int(part.part) if part.part.isdigit() else 0, part.part
