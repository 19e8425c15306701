"""The driver of a lake's loads: the order of steps of `etl.pipeline.load`, with executors.

Sources are landed here, executors identify their messages without a lock. Then, under the home's
write lock (the lease): the book is brought up to the newest version, messages are numbered in it,
executors write their rows, the version is put, the book takes its rows. Putting the version is the
commit. Killed before, nothing names what was written; killed after, the next driver lets the book
take what the version names. Who finds the number of the version taken numbers again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from etl.errors import PermanentError, UsageFault
from etl.ingest.files import SourceFile
from etl.kernel.run import UnitResult
from etl.lake.book import book_rows
from etl.lake.cluster import Cluster
from etl.lake.executor import FILES, Identify, Write
from etl.lake.files import sql_columns, write_file
from etl.lake.outcomes import OUTCOMES, RESULT, from_row, runs_from, runs_text, to_row
from etl.lake.work import (
    NumberedUnit,
    RunPlan,
    Site,
    UnitPlan,
    group,
    numbered,
    plan_of,
    unit_of,
)
from etl.pipeline.batches import BatchSummary, load_batch
from etl.pipeline.hash_key import mark_of_key, read_hash_key
from etl.pipeline.intake import Portion
from etl.pipeline.lake_files import book_version
from etl.pipeline.load import Loader, open_loader, utc_now
from etl.pipeline.reading import Reading
from etl.pipeline.records import LoadSummary, Piece, Progress, no_progress
from etl.pipeline.status import write_status
from etl.pipeline.transaction import LOAD, Transaction
from etl.pipeline.units import Unit
from etl.process import private_files
from etl.settings import Settings
from etl.warehouse import ledger
from etl.warehouse.connection import open_warehouse
from etl.warehouse.identity import adopt, commit
from etl.warehouse.lake import VERSION_ROW, LakeFile, LakeFolder, LakeVersion
from etl.warehouse.template import create_warehouse

OUTCOMES_FOLDER = "outcomes"
PIECES = b"pieces"
"""Under this name the outcomes keep what was taken of which object, those without items too."""


def load_lake(
    settings: Settings,
    spark: Any,
    sources: Iterable[SourceFile],
    *,
    unwrap: str = "",
    progress: Progress = no_progress,
    clock: Callable[[], datetime] = utc_now,
) -> BatchSummary:
    """Load listed sources into the lake of a home; see `etl.lake.load`.

    `unwrap` is the text of the recipe by which their items are read.
    """
    if settings.load.in_place:
        raise UsageFault(
            "A lake keeps what it loads; switch load.in_place off to load it with Spark."
        )
    opened = partial(open_lake, settings, spark, progress, clock)
    with private_files():
        return load_batch(settings, sources, progress, unwrap=unwrap, opened=opened)


@contextmanager
def open_lake(
    settings: Settings,
    spark: Any,
    progress: Progress = no_progress,
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[Loader]:
    """A loader of one lake. Raises UsageFault for a home that was loaded without Spark."""
    lake = LakeFolder(settings.home)
    if not lake.is_there():
        if settings.warehouse_path.exists():
            raise UsageFault(
                "This home was loaded without Spark; name a new home for the lake and load its "
                "sources there."
            )
        lake.make()
    made = partial(LakeLoader, spark=spark)
    with open_loader(settings, progress, clock, made=made) as loader:
        yield loader


@dataclass(frozen=True, slots=True)
class _Pending:
    """A load before it is numbered: its units with what became of their items."""

    units: tuple[Unit, ...]
    plans: tuple[UnitPlan, ...]
    results: tuple[UnitResult, ...]
    pieces: tuple[Piece, ...]
    started_at: datetime


class LakeLoader(Loader):
    """Loads landed objects into the lake of one home."""

    def __init__(
        self,
        settings: Settings,
        reading: Reading,
        progress: Progress = no_progress,
        clock: Callable[[], datetime] = utc_now,
        *,
        spark: Any,
    ) -> None:
        super().__init__(settings, reading, progress, clock)
        self.load_bytes = settings.lake.load_bytes
        self.lake = LakeFolder(settings.home)
        self._cluster = Cluster(spark)
        self._site = Site(
            home=str(settings.home.resolve()),
            overlay=str(settings.catalog_path.resolve()),
            catalog_hash=self.compiled.catalog.content_hash,
            key_mark=mark_of_key(read_hash_key(settings.home)),
            limits=self.compiled.limits,
            nulled=tuple(sorted(self.compiled.nulled.items())),
        )

    def require_own_kind(self) -> None:
        """A lake is what this loads; `open_lake` has seen to it."""

    def items_taken(self) -> dict[str, int]:
        """How many items of each landed object are loaded, by all versions there are."""
        if self.lake.newest():
            with self.writing(), self.open_for(set()) as connection:
                self.prepare(connection)
                self._catch_up(connection)
        return super().items_taken()

    def open(self, *, read_only: bool = False) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to the book."""
        return super().open(read_only=True) if read_only else self._open_book()

    def open_for(self, data_models: set[str]) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to the book, which is made if it is new or lost."""
        path = self.settings.warehouse_path
        if not path.exists():
            create_warehouse(path, self.schema, data_models, cache=self.settings.cache_path)
        return self.open()

    @contextmanager
    def _open_book(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Whatever the book is of, it catches up: versions are the truth, not what was noted of it."""
        path = self.settings.warehouse_path
        with open_warehouse(path, read_only=False) as connection:
            adopt(connection, self.settings.home)
            yield connection

    def load(self, portion: Portion, *, following: Portion | None = None) -> LoadSummary:
        """One load of a portion, as one version; what another driver took meanwhile is left out."""
        started_at = self.clock()
        plans = tuple(plan_of(unit) for unit in portion.units)
        results = self._identify(portion.units, plans)
        pending = _Pending(portion.units, plans, tuple(results), portion.pieces, started_at)
        models = {model for result in pending.results for model, _ in result.shapes}
        with self.writing(), self.open_for(models) as connection:
            self.prepare(connection)
            summary = None
            while summary is None:
                self._catch_up(connection)
                summary = self._load(connection, pending)
            write_status(connection, self.settings, self.clock())
        return summary

    def _identify(self, units: Sequence[Unit], plans: Sequence[UnitPlan]) -> list[UnitResult]:
        tasks = [
            [(number, plans[number]) for number in task]
            for task in group(units, self.settings.lake.task_bytes)
        ]
        rows = self._cluster.map(Identify(self._site, tasks), len(tasks), RESULT)
        return [from_row(row) for row in sorted(rows, key=lambda row: row["unit"])]

    def _load(self, connection: duckdb.DuckDBPyConnection, pending: _Pending) -> LoadSummary | None:
        """Number, write, commit; None where another driver has put a version meanwhile."""
        connection.execute("begin")
        transaction = self.begin(connection, kind=LOAD)
        first_id = transaction.next_message_id
        units = _number(connection, transaction, pending)
        files = self._write(pending.units, units)
        names = {file.table for file in files if file.is_data}
        version = LakeVersion(
            version=self.lake.newest() + 1,
            load_id=transaction.load_id,
            first_message_id=first_id,
            next_message_id=transaction.next_message_id,
            started_at=pending.started_at.isoformat(),
            finished_at=self.clock().isoformat(),
            catalog_hash=self.compiled.catalog.content_hash,
            outcomes=self._keep_outcomes(pending),
            tables=tuple(file for file in files if file.is_data),
            book=tuple(file for file in files if not file.is_data),
            columns=sql_columns(self.compiled.plan, names),
        )
        if version.version != book_version(connection) + 1 or not self.lake.put(version):
            connection.execute("rollback")
            return None
        return self._enter(connection, transaction, version, pending.pieces)

    def _write(self, units: Sequence[Unit], own: Sequence[NumberedUnit]) -> list[LakeFile]:
        """Let executors write the rows of all messages that have ids."""
        new = [number for number, one in enumerate(own) if any(one.is_new)]
        tasks = [
            [own[new[position]] for position in task]
            for task in group([units[number] for number in new], self.settings.lake.task_bytes)
        ]
        rows = self._cluster.map(Write(self._site, tasks), len(tasks), FILES)
        return sorted((LakeFile(**row) for row in rows), key=lambda file: (file.table, file.file))

    def _keep_outcomes(self, pending: _Pending) -> str:
        rows = [
            to_row(number, result) | {"runs": runs_text(plan.runs)}
            for number, (plan, result) in enumerate(
                zip(pending.plans, pending.results, strict=True)
            )
        ]
        facts = {PIECES: runs_text(map(_span_of, pending.pieces))}
        table = pa.Table.from_pylist(rows, schema=OUTCOMES).replace_schema_metadata(facts)
        return write_file(self.settings.home, OUTCOMES_FOLDER, table)

    def _enter(
        self,
        connection: duckdb.DuckDBPyConnection,
        transaction: Transaction,
        version: LakeVersion,
        pieces: Sequence[Piece],
    ) -> LoadSummary:
        """Let the book take the rows of a version, and commit it."""
        transaction.add(book_rows(self.lake, version))
        summary = transaction.record(
            started_at=datetime.fromisoformat(version.started_at),
            finished_at=datetime.fromisoformat(version.finished_at),
            objects=self.landed_rows(pieces),
        )
        connection.execute("delete from core.warehouse where name = ?", [VERSION_ROW])
        connection.execute(
            "insert into core.warehouse values (?, ?)", [VERSION_ROW, version.version]
        )
        commit(connection, self.settings.home)
        written = {file.table: 0 for file in version.tables}
        for file in version.tables:
            written[file.table] += file.rows
        return replace(summary, rows={**summary.rows, **written})

    def _catch_up(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let the book take the versions that it does not have yet."""
        for number in range(book_version(connection) + 1, self.lake.newest() + 1):
            version = self.lake.read(number)
            pending = self._pending_of(version)
            connection.execute("begin")
            transaction = self.begin(connection, kind=LOAD)
            first_id = transaction.next_message_id
            _number(connection, transaction, pending)
            ids = first_id, transaction.next_message_id
            if ids != (version.first_message_id, version.next_message_id):
                raise PermanentError(
                    f"The warehouse and version {number} of its lake are of different times; put "
                    "the missing part back from a backup."
                )
            self._enter(connection, transaction, version, pending.pieces)

    def _pending_of(self, version: LakeVersion) -> _Pending:
        """The load of a version, from what it keeps and the landing."""
        path = self.lake.path_of(version.outcomes)
        kept = pq.ParquetFile(path).read()
        rows = kept.to_pylist()
        plans = tuple(UnitPlan(runs_from(row["runs"])) for row in rows)
        pieces = runs_from(kept.schema.metadata[PIECES].decode())
        return _Pending(
            units=tuple(unit_of(plan, self.landing) for plan in plans),
            plans=plans,
            results=tuple(from_row(row) for row in rows),
            pieces=tuple(
                Piece(
                    self.landing.describe(one.object_id), one.unwrap, one.first_item, one.stop_item
                )
                for one in pieces
            ),
            started_at=datetime.fromisoformat(version.started_at),
        )


def _number(
    connection: duckdb.DuckDBPyConnection, transaction: Transaction, pending: _Pending
) -> list[NumberedUnit]:
    """Give ids to what is new, unit by unit, in the caller's transaction."""
    overtaken = ledger.items_taken(connection)
    units = []
    for plan, unit, result in zip(pending.plans, pending.units, pending.results, strict=True):
        ids = transaction.take(unit, result, overtaken)
        units.append(numbered(plan, ids, result.hashes))
    return units


def _span_of(piece: Piece) -> RunPlan:
    return RunPlan(piece.object_id, piece.unwrap, piece.first_item, piece.stop_item)
