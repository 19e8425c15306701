"""The driver of a lake's loads: the order of steps of `etl.pipeline.load`, with executors.

Sources are landed here, executors identify their messages without a lock. Then, under the home's
write lock (the lease): the book is brought up to the newest version, messages are numbered in it,
executors write their rows, the version is put, the book takes its rows. Putting the version is the
commit. Killed before, nothing names what was written; killed after, the next driver lets the book
take what the version names. Who finds the number of the version taken numbers again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import duckdb

from etl.errors import UsageFault
from etl.kernel.run import UnitResult
from etl.lake import changes, whole
from etl.lake.cluster import Cluster, InProcess
from etl.lake.entering import enter, finish_load, missing_versions
from etl.lake.executor import FILES, Identify, Write, read_by
from etl.lake.files import sql_columns
from etl.lake.outcomes import RESULT, from_row
from etl.lake.pending import Pending, keep, number
from etl.lake.rewrite import Rewritten
from etl.lake.work import Integers, NumberedUnit, PlacedUnit, Site, UnitPlan, group, plan_of
from etl.memory import give_back_memory
from etl.pipeline.batches import BatchSummary, load_batch
from etl.pipeline.compact import CompactSummary
from etl.pipeline.compact import compact as compact_local
from etl.pipeline.hash_key import mark_of_key, read_hash_key
from etl.pipeline.intake import Portion, Refused
from etl.pipeline.lake_files import book_version
from etl.pipeline.load import Loader, open_loader, utc_now
from etl.pipeline.reading import Reading
from etl.pipeline.records import LoadSummary, Progress, no_progress
from etl.pipeline.status import write_status
from etl.pipeline.transaction import LOAD
from etl.pipeline.units import Unit
from etl.process import private_files
from etl.settings import Settings
from etl.sources.files import SourceFile
from etl.warehouse import ledger
from etl.warehouse.connection import open_warehouse
from etl.warehouse.disk import require_room
from etl.warehouse.identity import adopt, require_no_warehouse
from etl.warehouse.lake import HeldFile, Kind, LakeFile, LakeFolder, LakeVersion
from etl.warehouse.template import create_warehouse


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
    """A loader of one lake, by a session of Spark, or in this process where that is None."""
    made = partial(LakeLoader, spark=spark)
    with open_loader(settings, progress, clock, made=made) as loader:
        yield loader


def compact(settings: Settings) -> CompactSummary:
    """Give back the room that a home of either kind does not need; see `etl.pipeline.compact`."""
    if not (LakeFolder(settings.home).is_there() and settings.warehouse_path.exists()):
        return compact_local(settings)
    with private_files(), open_lake(settings, None) as loader:
        assert isinstance(loader, LakeLoader)
        return whole.compact(loader)


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
        self._is_swept = False
        self._rewritten: Sequence[Rewritten] = ()
        self.load_bytes = settings.lake.load_bytes
        self.lake = LakeFolder(settings.home)
        self._cluster = InProcess() if spark is None else Cluster(spark)
        self.site = Site(
            home=str(settings.home.resolve()),
            overlay=str(settings.catalog_path.resolve()),
            catalog_hash=self.compiled.catalog.content_hash,
            key_mark=mark_of_key(read_hash_key(settings.home)),
            limits=self.compiled.limits,
            nulled=tuple(sorted(self.compiled.nulled.items())),
        )
        if spark is None:
            read_by(self.site, reading)

    def require_own_kind(self) -> None:
        """Raise UsageFault for a home that was loaded as a local one, its warehouse lost or not."""
        if self.lake.is_there():
            return
        if self.settings.warehouse_path.exists():
            raise UsageFault(
                "This home was loaded without Spark; name a new home for the lake and load its "
                "sources there."
            )
        require_no_warehouse(self.settings.home)

    def make_home(self) -> None:
        """Make a new home a lake."""
        super().make_home()
        self.lake.make()

    def load_sources(
        self,
        sources: Iterable[SourceFile],
        *,
        unwrap: str,
        in_place: bool,
        refused: Refused | None = None,
    ) -> LoadSummary:
        """As of a local home; raises UsageFault for `in_place`."""
        if in_place:
            raise UsageFault(
                "A lake keeps what it loads, as executors do not reach the sources; load it without "
                "--in-place and with load.in_place switched off."
            )
        return super().load_sources(sources, unwrap=unwrap, in_place=False, refused=refused)

    def items_taken(self) -> dict[str, int]:
        """How many items of each landed object are loaded, by all versions there are."""
        if self.lake.newest():
            with self.writing(), self.open_for(set()):
                pass  # opened for writing, it catches up
        return super().items_taken()

    def open(self, *, read_only: bool = False) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to the book; one for writing has all versions there are."""
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
            self.prepare(connection)
            self.catch_up(connection)
            yield connection

    def catch_up(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let the book take the versions that it does not have yet."""
        for version in missing_versions(self.lake, connection):
            enter(self, connection, version)

    def load(self, portion: Portion, *, following: Portion | None = None) -> LoadSummary:
        """One load of a portion, as one version; what another driver took meanwhile is left out."""
        started_at = self.clock()
        size_bytes = sum(unit.size_bytes for unit in portion.units)
        require_room(self.settings.warehouse_path, size_bytes)
        plans = tuple(plan_of(unit) for unit in portion.units)
        results = self.identify(portion.units, plans)
        pending = Pending(portion.units, plans, tuple(results), started_at, portion.pieces)
        with self.writing(), self.open_for(pending.models()) as connection:
            summary = None
            while summary is None:
                summary = self._load(connection, pending)
            write_status(connection, self.settings, self.clock())
        give_back_memory()
        return summary

    def _load(self, connection: duckdb.DuckDBPyConnection, pending: Pending) -> LoadSummary | None:
        """Number, write, commit; None where another driver has put a version meanwhile."""
        orphans = self.orphans()
        connection.execute("begin")
        transaction = self.begin(connection, kind=LOAD)
        first_id = transaction.next_message_id
        files = self.write(pending.units, number(connection, transaction, pending))
        version = replace(
            self.new_version(connection, Kind.LOAD, pending, files, dropped=orphans),
            load_id=transaction.load_id,
            first_message_id=first_id,
            next_message_id=transaction.next_message_id,
        )
        if not self.put(connection, version):
            return None
        return finish_load(self, connection, transaction, version, pending)

    def take_again(
        self,
        connection: duckdb.DuckDBPyConnection,
        units: Sequence[Unit],
        *,
        earlier: Mapping[str, str],
        started_at: datetime,
    ) -> LoadSummary:
        """Load units of quarantined items as one version."""
        return changes.take_again(self, connection, units, earlier=earlier, started_at=started_at)

    def close_items(
        self, connection: duckdb.DuckDBPyConnection, quarantine_ids: Sequence[int]
    ) -> int:
        """Close quarantined items as one version; gives how many were open."""
        return changes.close_items(self, connection, quarantine_ids)

    def replace_slice(
        self,
        connection: duckdb.DuckDBPyConnection,
        number: int,
        placed: Sequence[tuple[Unit, Integers]],
        *,
        started_at: datetime,
    ) -> int:
        """Make the rows of a slice again as one version; gives how many messages it has."""
        return changes.replace_slice(self, connection, number, placed, started_at=started_at)

    def remove_stored_rows(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Write files without purged messages; gives how many rows those are."""
        self._rewritten = whole.rewrite_purged(self, connection)
        return sum(one.removed for one in self._rewritten)

    def commit_purge(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Commit the purge as a version that is whole."""
        whole.put_whole(self, connection, Kind.PURGE, self._rewritten)

    def remove_dropped(self) -> None:
        """Remove what the newest whole version has dropped, where a purge was killed before."""
        if self.lake.newest():
            self.lake.clean(self.lake.read(self.lake.oldest()))

    def require_retypable(self) -> None:
        """Raise UsageFault: the files of a lake have the types that they were written with."""
        raise UsageFault(
            "The tables of a lake are files, whose columns keep their types; load its sources into "
            "a new home with `redox-warehouse spark-load`."
        )

    def held(self, connection: duckdb.DuckDBPyConnection) -> list[HeldFile]:
        """The files of data models' tables as of the book."""
        return self.lake.held(book_version(connection))

    def identify(self, units: Sequence[Unit], plans: Sequence[UnitPlan]) -> list[UnitResult]:
        """Let executors say what became of the items of units."""
        tasks = [
            [(position, plans[position]) for position in task]
            for task in group(units, self.settings.lake.task_bytes)
        ]
        rows = self._cluster.map(Identify(self.site, tasks), len(tasks), RESULT)
        return [from_row(row) for row in sorted(rows, key=lambda row: row["unit"])]

    def write(
        self, units: Sequence[Unit], own: Sequence[NumberedUnit | PlacedUnit]
    ) -> list[LakeFile]:
        """Let executors write the rows of all messages that have ids."""
        new = [position for position, one in enumerate(own) if one.has_messages]
        tasks = [
            [own[new[position]] for position in task]
            for task in group([units[position] for position in new], self.settings.lake.task_bytes)
        ]
        rows = self._cluster.map(Write(self.site, tasks), len(tasks), FILES)
        return sorted((LakeFile(**row) for row in rows), key=lambda file: (file.table, file.file))

    def new_version(
        self,
        connection: duckdb.DuckDBPyConnection,
        kind: Kind,
        pending: Pending,
        files: Sequence[LakeFile],
        *,
        dropped: Iterable[str] = (),
    ) -> LakeVersion:
        """The version that comes next, of units and the files written of them."""
        tables = tuple(file for file in files if file.is_data)
        next_id = ledger.next_message_id(connection)
        return LakeVersion(
            version=book_version(connection) + 1,
            load_id=ledger.next_load_id(connection),
            first_message_id=next_id,
            next_message_id=next_id,
            started_at=pending.started_at.isoformat(),
            finished_at=self.clock().isoformat(),
            catalog_hash=self.compiled.catalog.content_hash,
            outcomes=keep(self.settings.home, pending) if pending.plans or pending.pieces else "",
            tables=tables,
            book=tuple(file for file in files if not file.is_data),
            columns=sql_columns(self.compiled.plan, {file.table for file in tables}),
            kind=kind,
            dropped=tuple(sorted(dropped)),
        )

    def put(self, connection: duckdb.DuckDBPyConnection, version: LakeVersion) -> bool:
        """Commit a version; False where another driver was first, with the book caught up."""
        if self.lake.newest() == version.version - 1 and self.lake.put(version):
            return True
        connection.execute("rollback")
        self.catch_up(connection)
        return False

    def orphans(self) -> set[str]:
        """What killed work left, the first time that this is asked.

        Whoever wrote it and lives still means to put the version that the caller puts now, and will
        find its number taken; so the list is made before that, and files are removed after it.
        """
        if self._is_swept:
            return set()
        self._is_swept = True
        return self.lake.present() - self.lake.needed()
