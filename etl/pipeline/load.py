"""The order of steps of a load: land, frame, read, number, insert, commit.

A load is one transaction. The write lock is held from the first numbered unit to the commit, so that
content hashes and message ids cannot be overtaken; landing and reading run without. Killed anywhere,
the next run finds either the whole load or nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path

import duckdb

from etl.atomic import own_folder
from etl.errors import PermanentError
from etl.kernel.compiled import Compiled
from etl.kernel.exact import Limits
from etl.landing.bundles import Collector
from etl.landing.store import LandedObject, Landing
from etl.memory import give_back_memory
from etl.pipeline.ahead import make_ahead, with_following
from etl.pipeline.catalog_cache import read_cached_plan
from etl.pipeline.hash_key import check_hash_key, read_hash_key
from etl.pipeline.intake import Intake, Portion, Refused, unchanged_objects
from etl.pipeline.opening import form_of
from etl.pipeline.purge.erase import erase_pending
from etl.pipeline.reading import Reading
from etl.pipeline.recipes import close_items, put_recipes_back
from etl.pipeline.recognize import refuse_table
from etl.pipeline.records import LoadSummary, Piece, Progress, no_progress
from etl.pipeline.sources import Sources, mark_of
from etl.pipeline.status import write_status
from etl.pipeline.transaction import LOAD, RELOAD, REPLAY, Integers, Transaction
from etl.pipeline.units import Unit
from etl.pipeline.value_policy import nulled_fields
from etl.settings import Settings
from etl.sources.files import SourceFile, fault_of
from etl.sources.recipe import Recipe
from etl.sources.seen import SeenEntry, read_seen, write_seen
from etl.warehouse import ledger
from etl.warehouse.connection import open_warehouse, write_lock
from etl.warehouse.disk import require_room
from etl.warehouse.foreign_log import drop_foreign_log
from etl.warehouse.identity import check, commit, open_for_change, require_no_warehouse
from etl.warehouse.lake import refuse_lake
from etl.warehouse.organizations import sync_organizations
from etl.warehouse.schema import Schema, retype_remedy
from etl.warehouse.template import create_warehouse

SEGMENT_SUFFIX = ".seg"
LOCK_WAIT_S = 600.0


def utc_now() -> datetime:
    """The clock of the pipeline."""
    return datetime.now(UTC)


@contextmanager
def open_loader(
    settings: Settings,
    progress: Progress = no_progress,
    clock: Callable[[], datetime] = utc_now,
    *,
    made: Callable[..., Loader] | None = None,
) -> Iterator[Loader]:
    """A loader of one home, whose threads and helper end with the block; `made` makes another kind."""
    compiled = compile_catalog(settings)
    landing = Landing(
        settings.landing_path,
        sources=Sources(settings.buckets),
        most_small_items=settings.load.max_small_items,
    )
    with Reading(compiled, landing, threads=settings.load.workers) as reading:
        yield (made or Loader)(settings, reading, progress, clock)


def compile_catalog(settings: Settings) -> Compiled:
    """The home's catalog, ready for the kernel."""
    catalog, plan = read_cached_plan(settings.catalog_path, settings.cache_path)
    return Compiled(
        catalog,
        plan,
        limits=Limits(settings.load.max_message_bytes, settings.load.max_depth),
        secret=read_hash_key(settings.home),
        nulled=nulled_fields(catalog, settings.values),
    )


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
    with open_loader(settings, progress, clock) as loader:
        return loader.load_sources(
            Sources(settings.buckets, home=settings.home).list(paths),
            unwrap=unwrap,
            in_place=in_place or settings.load.in_place,
        )


class Loader:
    """Loads landed objects into the warehouse of one home."""

    def __init__(
        self,
        settings: Settings,
        reading: Reading,
        progress: Progress = no_progress,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.reading = reading
        self.progress = progress
        self.clock = clock
        self.load_bytes = settings.load.load_bytes
        self.sources = Sources(settings.buckets)
        self.compiled = reading.compiled
        self.schema = Schema(
            self.compiled.catalog, self.compiled.plan, remedy=retype_remedy(settings.home)
        )
        self.skipped_ids: list[str] = []
        self._purged_objects: frozenset[str] = frozenset()
        self._incomplete: list[tuple[SourceFile, PermanentError]] = []

    @property
    def landing(self) -> Landing:
        """The landed objects of the home."""
        return self.reading.landing

    def load_sources(
        self,
        sources: Iterable[SourceFile],
        *,
        unwrap: str,
        in_place: bool,
        refused: Refused | None = None,
    ) -> LoadSummary:
        """Land each source and load it, many small ones together, large ones in parts.

        `unwrap` is the text of the recipe by which their items are read.

        A source that permanently cannot be read raises, or is passed to `refused`, remembered as seen
        without an object, and left out. One of which a part can be read is loaded as far as it goes
        and raises or is passed to it at the end.
        """
        self.make_home()
        self.landing.clean()
        intake = self._new_intake(unwrap, in_place=in_place, refused=refused)
        summary = self._load_all(intake.portions(sources))
        self.skipped_ids += intake.skipped_ids
        if summary.purged:
            erase_pending(self)
        self._remember([entry for entry in intake.seen if in_place or not self._tidy(entry)])
        self._renew_status()
        for source, fault in self._incomplete:
            if refused is None:
                raise fault
            refused(source, fault)
        return intake.summary + summary

    def load_landed(self, object_ids: Iterable[str], *, unwrap: str) -> LoadSummary:
        """Load what the ledger lacks of objects that were landed before."""
        self.make_home()
        intake = self._new_intake(unwrap)
        summary = self._load_all(intake.portions_of_landed(map(self.landing.describe, object_ids)))
        return intake.summary + summary

    def _new_intake(
        self, unwrap: str, *, in_place: bool = False, refused: Refused | None = None
    ) -> Intake:
        taken = self.items_taken()
        return Intake(
            landing=self.landing,
            land=partial(self._land, recipe=Recipe.from_text(unwrap), in_place=in_place),
            progress=self.progress,
            load_bytes=self.load_bytes,
            unwrap=unwrap,
            taken=taken,
            unchanged=unchanged_objects(read_seen(self.settings.seen_path), taken),
            refused=refused,
            purged=self._purged_objects,
        )

    def _load_all(self, portions: Iterable[Portion]) -> LoadSummary:
        """Load each portion, while the next is landed."""
        summary = LoadSummary()
        for portion, following in with_following(make_ahead(portions)):
            summary += self.load(portion, following=following)
        return summary

    def require_own_kind(self) -> None:
        """Raise UsageFault for a home whose rows are not in its warehouse."""
        refuse_lake(self.settings.home)

    def make_home(self) -> None:
        """Make the folder of a new home; raises UsageFault as `require_own_kind`."""
        self.require_own_kind()
        own_folder(self.settings.home)

    def _tidy(self, entry: SeenEntry) -> bool:
        """Delete a segment of our own that is landed and loaded; True if it was one."""
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
            self._purged_objects = ledger.purged_objects(connection)
            return ledger.items_taken(connection)

    def _land(
        self, source: SourceFile, collector: Collector | None, *, recipe: Recipe, in_place: bool
    ) -> LandedObject:
        with self.sources.open(source.uri) as stream:
            landed = self.landing.land(
                stream,
                uri=source.uri,
                in_place=in_place,
                source_mark=mark_of(source),
                form=form_of(recipe),
                check_head=None if recipe.column else partial(refuse_table, uri=source.uri),
                collector=collector,
            )
        if fault := fault_of(stream):
            self._incomplete.append((source, PermanentError(fault)))
        return landed

    def load(self, portion: Portion, *, following: Portion | None = None) -> LoadSummary:
        """One load of a portion; what another process took meanwhile is left out.

        The lock is taken when the first unit is read. While the last ones are inserted, the first
        units of the portion that follows are read.
        """
        started_at = self.clock()
        size_bytes = sum(unit.size_bytes for unit in portion.units)
        require_room(self.settings.warehouse_path, size_bytes)
        read = self.reading.read(portion.units, following.units if following else ())
        first = list(islice(read, 1))
        models = {model for _, result in first for model, _ in result.shapes}
        with self.writing(), self.open_for(models) as connection:
            self.prepare(connection)
            overtaken = ledger.items_taken(connection)
            connection.execute("begin")
            transaction = self.begin(connection, kind=LOAD)
            for unit, result in chain(first, read):
                transaction.take(unit, result, overtaken)
            summary = transaction.record(
                started_at=started_at,
                finished_at=self.clock(),
                objects=self.landed_rows(portion.pieces),
            )
            commit(connection, self.settings.home)
            write_status(connection, self.settings, self.clock())
        give_back_memory()
        return summary

    def take_again(
        self,
        connection: duckdb.DuckDBPyConnection,
        units: Sequence[Unit],
        *,
        earlier: Mapping[str, str],
        started_at: datetime,
    ) -> LoadSummary:
        """Load units of quarantined items, in the transaction that is open, and commit it.

        `earlier` are the recipes of objects that were given another for this.
        """
        transaction = self.begin(connection, kind=REPLAY)
        for unit, result in self.reading.read(units):
            transaction.take(unit, result)
        summary = transaction.record(started_at=started_at, finished_at=self.clock())
        put_recipes_back(connection, earlier)
        commit(connection, self.settings.home)
        return summary

    def close_items(
        self, connection: duckdb.DuckDBPyConnection, quarantine_ids: Sequence[int]
    ) -> int:
        """Close quarantined items in one transaction; gives how many were open."""
        connection.execute("begin")
        closed = close_items(connection, quarantine_ids, self.clock())
        commit(connection, self.settings.home)
        return closed

    def replace_slice(
        self,
        connection: duckdb.DuckDBPyConnection,
        number: int,
        placed: Sequence[tuple[Unit, Integers]],
        *,
        started_at: datetime,
    ) -> int:
        """Make the rows of a slice again from its messages, under the ids they have, in one
        transaction; gives how many messages it has."""
        connection.execute("begin")
        transaction = self.begin(connection, kind=RELOAD)
        transaction.replace_slice(number)
        ids_of = {id(unit): ids for unit, ids in placed}
        for unit, result in self.reading.read([unit for unit, _ in placed]):
            transaction.store(unit, result, ids_of[id(unit)])
        count = transaction.record_reload(number, started_at=started_at, finished_at=self.clock())
        commit(connection, self.settings.home)
        return count

    def remove_stored_rows(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Remove rows of the temporary table `purged_message` that are outside the warehouse, once
        `commit_purge` commits; gives how many."""
        return 0

    def commit_purge(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Commit the purge's transaction that is open."""
        commit(connection, self.settings.home)

    def remove_dropped(self) -> None:
        """Remove files that a purge has dropped; doing it twice changes nothing."""

    def require_retypable(self) -> None:
        """Raise UsageFault for a home whose columns cannot be given other types."""

    def begin(self, connection: duckdb.DuckDBPyConnection, *, kind: str) -> Transaction:
        """The transaction that the caller has begun on a connection."""
        return Transaction(
            connection,
            self.schema,
            self.compiled,
            self.progress,
            kind=kind,
            is_refusing=self.settings.purge.redelivery == "refuse",
        )

    def prepare(self, connection: duckdb.DuckDBPyConnection, *, is_reload: bool = False) -> None:
        """Make sure that the ledger's own tables exist before they are asked."""
        connection.execute("begin")
        self.schema.ensure(connection, ())
        if not is_reload and self.schema.is_retyping(connection):
            raise PermanentError(
                "Tables are being rebuilt and not all messages are back in them; "
                "finish with `redox-warehouse reload --rebuild-tables`."
            )
        check_hash_key(connection, self.settings.home)
        sync_organizations(connection, self.settings.organizations_path)
        connection.execute("commit")

    def landed_rows(self, pieces: Sequence[Piece]) -> list[ledger.LandedRow]:
        """The ledger's rows of the objects that these are of."""
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

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The place of the one writer."""
        with write_lock(self.settings.warehouse_path, wait_s=LOCK_WAIT_S):
            drop_foreign_log(self.settings.home)
            yield

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

    def _renew_status(self) -> None:
        """Write status.json where it is lost; a load of nothing new does not do so by itself."""
        settings = self.settings
        if settings.warehouse_path.exists() and not settings.status_path.exists():
            with self.writing(), self.open(read_only=True) as connection:
                write_status(connection, settings, self.clock())

    def _remember(self, entries: Sequence[SeenEntry]) -> None:
        with self.writing():
            known = {entry.uri: entry for entry in read_seen(self.settings.seen_path)}
            known.update({entry.uri: entry for entry in entries})
            write_seen(self.settings.seen_path, list(known.values()))
