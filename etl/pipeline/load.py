"""The order of steps of a load: land, frame, judge, number, flatten, commit.

A load is one transaction. The write lock is held from the look at what is already loaded to the
commit, so that fingerprints and message ids cannot be overtaken; landing and judging run without.
Killed anywhere, the next run finds either the whole load or nothing of it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from etl.errors import PermanentError
from etl.ingest.files import SourceFile
from etl.ingest.seen import SeenEntry, read_seen, write_seen
from etl.landing.store import LandedObject, Landing
from etl.pipeline.intake import Intake, Portion, Refused, unchanged_tags
from etl.pipeline.pool import SMALL_WORK_BYTES, Pool
from etl.pipeline.records import LoadSummary, Piece, Progress, no_progress
from etl.pipeline.sources import Sources, mark_of
from etl.pipeline.status import write_status
from etl.pipeline.transaction import Transaction
from etl.pipeline.worker import Worker
from etl.settings import Settings
from etl.warehouse import ledger
from etl.warehouse.connection import open_warehouse, write_lock
from etl.warehouse.identity import check, commit, open_for_change, require_no_warehouse
from etl.warehouse.organizations import sync_organizations
from etl.warehouse.schema import Schema
from etl.warehouse.template import create_warehouse

SEGMENT_SUFFIX = ".seg"
LOAD = "load"
LOCK_WAIT_S = 600.0


def utc_now() -> datetime:
    """The clock of the pipeline."""
    return datetime.now(UTC)


def load_paths(
    settings: Settings,
    paths: Sequence[str],
    *,
    unwrap: str = "",
    in_place: bool = False,
    progress: Progress = no_progress,
    clock: Callable[[], datetime] = utc_now,
) -> LoadSummary:
    """Land and load files, folders, globs or URLs; what was loaded before is skipped by content."""
    worker = Worker.of(settings)
    with Pool(settings, worker) as pool:
        return Loader(settings, worker, pool, progress, clock).load_sources(
            Sources(settings.buckets).list(paths),
            unwrap=unwrap,
            in_place=in_place or settings.load.in_place,
        )


class Loader:
    """Loads landed objects into the warehouse of one home."""

    def __init__(
        self,
        settings: Settings,
        worker: Worker,
        pool: Pool,
        progress: Progress = no_progress,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.worker = worker
        self.pool = pool
        self.progress = progress
        self.clock = clock
        self.sources = Sources(settings.buckets)
        self.schema = Schema(worker.catalog, worker.plan)

    @property
    def landing(self) -> Landing:
        """The landed objects of the home."""
        return self.worker.landing

    def load_sources(
        self,
        sources: Iterable[SourceFile],
        *,
        unwrap: str,
        in_place: bool,
        refused: Refused | None = None,
    ) -> LoadSummary:
        """Land each source and load it, many small ones together, large ones in parts.

        A source that cannot be read for good raises, or is told to `refused`, remembered as seen
        without an object, and left out.
        """
        self.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.landing.clean()
        taken = self.items_taken()
        coming_bytes = 0

        def coming(source: SourceFile) -> None:
            nonlocal coming_bytes
            coming_bytes += source.size
            if coming_bytes > SMALL_WORK_BYTES:
                self.pool.prepare()

        intake = Intake(
            landing=self.landing,
            land=lambda source: self._land(source, in_place=in_place),
            coming=coming,
            progress=self.progress,
            load_bytes=self.settings.load.load_bytes,
            unwrap=unwrap,
            taken=taken,
            unchanged=unchanged_tags(read_seen(self.settings.seen_path), taken),
            refused=refused,
        )
        summary = LoadSummary()
        for portion, following in _with_following(intake.portions(sources)):
            summary += self.load(portion, following=following)
        self._remember([entry for entry in intake.seen if in_place or not self._tidy(entry)])
        return intake.summary + summary

    def _tidy(self, entry: SeenEntry) -> bool:
        """Delete a segment of our own that is landed and loaded; tells whether it was one."""
        path = Path(entry.uri)
        is_own = path.parent == self.settings.incoming_path and path.suffix == SEGMENT_SUFFIX
        if is_own and entry.object_id and self.landing.has(entry.object_id):
            path.unlink(missing_ok=True)
        return is_own

    def items_taken(self) -> dict[str, int]:
        """How many items of each landed object are loaded."""
        home = self.settings.home
        if not self.settings.warehouse_path.exists():
            require_no_warehouse(home)
            return {}
        with self.writing(), self.open(read_only=True) as connection:
            check(connection, home)
            return ledger.items_taken(connection)

    def _land(self, source: SourceFile, *, in_place: bool) -> LandedObject:
        with self.sources.open(source.uri) as stream:
            return self.landing.land(
                stream, uri=source.uri, in_place=in_place, source_mark=mark_of(source)
            )

    def load(self, portion: Portion, *, following: Portion | None = None) -> LoadSummary:
        """One load of a portion; what another process took meanwhile is left out.

        Workers that have nothing left to do judge the portion that follows.
        """
        started_at = self.clock()
        judged = []
        for unit, result in zip(portion.units, self.pool.judge(portion.units), strict=True):
            self.progress("judged", len(unit), unit.size_bytes)
            judged.append(result)
        self.pool.judge_ahead(following.units if following else ())
        seen = {model for result in judged for model, _ in result.shapes}
        with self.writing(), self.staging() as folder, self.open_for(seen) as connection:
            self.prepare(connection)
            overtaken = ledger.items_taken(connection)
            work = [
                (unit, result)
                for unit, result in zip(portion.units, judged, strict=True)
                if unit.first_item >= overtaken.get(unit.object_id, 0)
            ]
            connection.execute("begin")
            transaction = Transaction(connection, self.schema, self.pool, folder, self.progress)
            summary = transaction.run(
                work,
                kind=LOAD,
                started_at=started_at,
                finished_at=self.clock(),
                objects=self._landed_rows(portion.pieces),
            )
            commit(connection, self.settings.home)
            write_status(connection, self.settings, self.clock())
        self.progress("loaded", summary.loaded, summary.bytes)
        return summary

    def prepare(self, connection: duckdb.DuckDBPyConnection, *, is_reload: bool = False) -> None:
        """Make sure that the ledger's own tables exist before they are asked."""
        connection.execute("begin")
        self.schema.ensure(connection, ())
        if not is_reload and self.schema.is_retyping(connection):
            raise PermanentError(
                "Tables are being rebuilt and not all messages are back in them; "
                "finish with `redox-warehouse reload --rebuild-tables`."
            )
        sync_organizations(connection, self.settings.organizations_path)
        connection.execute("commit")

    def _landed_rows(self, pieces: Sequence[Piece]) -> list[ledger.LandedRow]:
        rows = []
        for piece in {piece.object_id: piece for piece in pieces}.values():
            landed = piece.landed
            rows.append(
                ledger.LandedRow(
                    landed.object_id,
                    landed.uri,
                    landed.size_bytes,
                    landed.item_count,
                    landed.separator_bytes,
                    landed.torn_bytes,
                    piece.unwrap,
                    landed.in_place,
                    landed.landed_at,
                )
            )
        return rows

    def writing(self) -> AbstractContextManager[None]:
        """The place of the one writer."""
        return write_lock(self.settings.warehouse_path, wait_s=LOCK_WAIT_S)

    def open(self, *, read_only: bool = False) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to the warehouse."""
        if read_only:
            return open_warehouse(self.settings.warehouse_path, read_only=True)
        return open_for_change(self.settings.home)

    def open_for(self, data_models: set[str]) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to the warehouse, which is made with these models' tables if it is new."""
        path = self.settings.warehouse_path
        if not path.exists():
            require_no_warehouse(self.settings.home)
            create_warehouse(path, self.schema, data_models, cache=self.settings.cache_path)
        return self.open()

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder for staged files, gone afterwards. Only who may write has one."""
        root = self.settings.home / "staging"
        shutil.rmtree(root, ignore_errors=True)  # what a killed load has left
        root.mkdir(parents=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=root) as folder:
            yield Path(folder)

    def _remember(self, entries: Sequence[SeenEntry]) -> None:
        with self.writing():
            known = {entry.uri: entry for entry in read_seen(self.settings.seen_path)}
            known.update({entry.uri: entry for entry in entries})
            write_seen(self.settings.seen_path, list(known.values()))


def _with_following(portions: Iterable[Portion]) -> Iterator[tuple[Portion, Portion | None]]:
    """Each portion with the one after it, None after the last."""
    waiting = None
    for portion in portions:
        if waiting is not None:
            yield waiting, portion
        waiting = portion
    if waiting is not None:
        yield waiting, None
