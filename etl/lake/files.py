"""Writes the rows of one task into Parquet files, one per table, under names never used before.

Rows of data models' tables have all columns that the catalog plans, typed by it; rows for the book
have those they were made with. zstd, all columns optional, sorted by the table's key within each row
group.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from etl.atomic import own_folder, sync_folder
from etl.warehouse.lake import BOOK, DATA, FOLDER, LakeFile
from models.tables.plan import ROOT_COLUMNS, Storage, Table, WarehousePlan

FILE_MODE = 0o400
ROW_GROUP_BYTES = 32 * 2**20
MOST_BYTES = 256 * 2**20
MOST_MESSAGE_BYTES = 64 * 2**20
# Of a value on the average; asking each column for its size takes longer than gathering it.
VALUE_BYTES = 16
_SYNC_THREADS = 8
_TYPES = {
    Storage.TEXT: pa.string(),
    Storage.JSON: pa.string(),
    Storage.INTEGER: pa.int64(),
    Storage.MONEY: pa.decimal128(18, 4),
    Storage.DOUBLE: pa.float64(),
    Storage.BOOLEAN: pa.bool_(),
    Storage.DATE: pa.date32(),
    Storage.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


def declared_tables(plan: WarehousePlan) -> dict[str, Table]:
    """The tables whose rows go into files of their own: those of data models."""
    return {table.qualified_name: table for own in plan.models.values() for table in own.values()}


def declared_columns(table: Table) -> dict[str, tuple[pa.DataType, str]]:
    """Arrow and SQL types of every column of a data model's table, by name, in order."""
    columns = {"message_id": Storage.INTEGER}
    kinds = {name: (_TYPES[kind], kind.sql_type) for name, kind in columns.items()}
    kinds |= {name: (pa.int32(), "INTEGER") for name in table.ordinals}
    leading = {} if table.path else {name: kind for name, kind, _ in ROOT_COLUMNS}
    leading |= {column.name: column.storage for column in table.columns}
    return kinds | {name: (_TYPES[kind], kind.sql_type) for name, kind in leading.items()}


def conform_rows(rows: pa.Table, table: Table) -> pa.Table:
    """Rows with exactly the declared columns, sorted by the key; missing ones are null."""
    columns = {
        name: rows[name].cast(kind) if name in rows.column_names else pa.nulls(len(rows), kind)
        for name, (kind, _) in declared_columns(table).items()
    }
    return pa.table(columns).sort_by([(name, "ascending") for name in table.key])


@dataclass(slots=True)
class _Open:
    path: Path
    writer: pq.ParquetWriter


@dataclass(slots=True)
class _Waiting:
    tables: list[pa.Table] = field(default_factory=list)
    size_bytes: int = 0


class TaskFiles:
    """The files of one task.

    Memory is bounded by rows that wait: of MOST_BYTES by an estimate of so many bytes a value, and
    since a message may be one long text, of MOST_MESSAGE_BYTES by what the rows really have.
    """

    def __init__(self, home: Path, plan: WarehousePlan) -> None:
        self._root = home / FOLDER
        self._declared = declared_tables(plan)
        self._waiting: dict[str, _Waiting] = {}
        self._waiting_bytes = 0
        self._message_bytes = 0
        self._open: dict[str, _Open] = {}

    def add(self, rows: Iterable[tuple[str, pa.Table]], *, message_bytes: int = 0) -> None:
        """Take rows by qualified table name, made of messages of so many bytes."""
        for name, table in rows:
            waiting = self._waiting.setdefault(name, _Waiting())
            waiting.tables.append(table)
            size_bytes = table.num_rows * table.num_columns * VALUE_BYTES
            waiting.size_bytes += size_bytes
            self._waiting_bytes += size_bytes
        for name in [n for n, own in self._waiting.items() if own.size_bytes > ROW_GROUP_BYTES]:
            self._flush(name)
        while self._waiting_bytes > MOST_BYTES:
            self._flush(max(self._waiting, key=lambda name: self._waiting[name].size_bytes))
        self._message_bytes += message_bytes
        if self._message_bytes > MOST_MESSAGE_BYTES:
            self._flush_largest()

    def finish(self) -> Iterator[LakeFile]:
        """Write what is left and bring all to disk; gives the files that are whole now."""
        for name in list(self._waiting):
            self._flush(name)
        for own in self._open.values():
            own.writer.close()
        with ThreadPoolExecutor(_SYNC_THREADS) as pool:
            yield from pool.map(self._settle, self._open)
            list(pool.map(sync_folder, {own.path.parent for own in self._open.values()}))

    def _flush_largest(self) -> None:
        """Write what is large until half of what may wait is left."""
        sizes = {name: sum(t.nbytes for t in own.tables) for name, own in self._waiting.items()}
        rest = sum(sizes.values())
        for name in sorted(sizes, key=lambda name: -sizes[name]):
            if rest <= MOST_MESSAGE_BYTES // 2:
                break
            self._flush(name)
            rest -= sizes[name]
        self._message_bytes = rest

    def _flush(self, name: str) -> None:
        waiting = self._waiting.pop(name)
        self._waiting_bytes -= waiting.size_bytes
        rows = pa.concat_tables(waiting.tables, promote_options="default")
        if table := self._declared.get(name):
            rows = conform_rows(rows, table)
        own = self._open.get(name) or self._begin(name, rows.schema)
        own.writer.write_table(rows)

    def _begin(self, name: str, schema: pa.Schema) -> _Open:
        kind = DATA if name in self._declared else BOOK
        folder = self._root / kind / name.replace(".", "/")
        own_folder(folder)
        path = folder / f"{uuid.uuid4().hex}.parquet"
        writer = pq.ParquetWriter(path, schema, compression="zstd", store_schema=False)
        self._open[name] = _Open(path, writer)
        return self._open[name]

    def _settle(self, name: str) -> LakeFile:
        return settled_file(name, self._open[name].path, self._root)


def settled_file(table: str, path: Path, root: Path) -> LakeFile:
    """A file that is written whole: brought to disk, never to be written again."""
    with path.open("rb") as content:
        os.fsync(content.fileno())
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    path.chmod(FILE_MODE)
    rows = pq.read_metadata(path).num_rows
    return LakeFile(table, path.relative_to(root).as_posix(), rows, path.stat().st_size, sha256)


def sql_columns(plan: WarehousePlan, names: Iterable[str]) -> Mapping[str, dict[str, str]]:
    """Names and SQL types of the columns of these tables' files."""
    declared = declared_tables(plan)
    return {
        name: {column: sql for column, (_, sql) in declared_columns(declared[name]).items()}
        for name in sorted(names)
    }


def write_file(home: Path, folder: str, rows: pa.Table) -> str:
    """Write a file of the driver's own under a new name, brought to disk; gives its path in the lake."""
    place = home / FOLDER / folder
    own_folder(place)
    path = place / f"{uuid.uuid4().hex}.parquet"
    pq.write_table(rows, path, compression="zstd")
    path.chmod(FILE_MODE)
    with path.open("rb") as content:
        os.fsync(content.fileno())
    sync_folder(place)
    return f"{folder}/{path.name}"
