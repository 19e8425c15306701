"""Continues after a part of the home was lost or restored: nothing lost, nothing doubled, no id twice.

Numbers go on above the highest that the warehouse, landing, status.json or a published version
records, because analysts may have noted them. Then every landed object that the ledger does not know,
or knows in part only, is loaded; what is known by content counts as a duplicate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

import duckdb

from etl.duckdb_files import connected
from etl.errors import PermanentError, RedoxWarehouseError
from etl.pipeline.load import LOCK_WAIT_S, Loader
from etl.pipeline.numbers import Floor, published_versions, recorded_numbers, require_newest
from etl.pipeline.records import LoadSummary
from etl.pipeline.status import write_status
from etl.settings import Settings
from etl.sql_text import quote
from etl.warehouse import identity, ledger
from etl.warehouse.connection import open_warehouse, write_lock
from etl.warehouse.foreign_log import drop_foreign_log
from etl.warehouse.template import create_warehouse

RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class RecoverSummary:
    """What a recovery did. `unreachable` counts objects whose bytes are kept nowhere here."""

    is_needed: bool
    first_load_id: int
    first_message_id: int
    objects: int
    unreachable: int
    loaded: LoadSummary


def recover(loader: Loader, *, unwrap: str = "") -> RecoverSummary:
    """Make the parts of a home one again, and load what landing holds beyond the ledger.

    `unwrap` is the envelope key of objects for which no published version knows one. A home whose
    parts belong together stays as it is, but for landed objects that were not loaded yet.
    """
    loader.require_own_kind()
    settings = loader.settings
    floor = recorded_numbers(settings)
    with write_lock(settings.warehouse_path, wait_s=LOCK_WAIT_S):
        drop_foreign_log(settings.home, is_checked=False)
        is_needed = _is_needed(settings)
        if is_needed:
            floor = _continue_above(loader, floor)
    missing = _missing_objects(loader, unwrap)
    loaded = LoadSummary()
    for key, object_ids in missing.landed.items():
        loaded += loader.load_landed(object_ids, unwrap=key)
    for key, paths in missing.without_index.items():
        loaded += loader.load_sources(loader.sources.list(paths), unwrap=key, in_place=False)
    objects, unreachable = missing.count(), missing.unreachable
    return RecoverSummary(
        is_needed, floor.load_id + 1, floor.message_id, objects, unreachable, loaded
    )


def _is_needed(settings: Settings) -> bool:
    path = settings.warehouse_path
    try:
        if not path.exists():
            identity.require_no_warehouse(settings.home)
            return bool(published_versions(settings))
        with open_warehouse(path, read_only=True) as connection:
            identity.check(connection, settings.home)
            require_newest(connection, settings)
    except PermanentError:
        return True
    return False


def _continue_above(loader: Loader, floor: Floor) -> Floor:
    """Adopt what is there under a new identity, with numbers above all that were given."""
    settings, now = loader.settings, loader.clock()
    path = settings.warehouse_path
    if not path.exists():
        create_warehouse(path, loader.schema, set(), cache=settings.cache_path)
    with open_warehouse(path, read_only=False) as connection:
        connection.execute("begin")
        loader.schema.ensure(connection, ())
        own = Floor(ledger.next_load_id(connection) - 1, ledger.next_message_id(connection))
        floor = floor.raised(own)
        ledger.set_next_message_id(connection, floor.message_id)
        ledger.set_quarantine_floor(connection, floor.quarantine_id)
        row = ledger.LoadRow(
            floor.load_id + 1, RECOVER, now, 0, 0, 0, 0, 0, 0, loader.schema.catalog.content_hash
        )
        ledger.record_load(connection, row, [], [], now)
        identity.commit(connection, settings.home)
        write_status(connection, settings, now)
    return floor


@dataclass(slots=True)
class _Missing:
    """What the ledger lacks, by envelope key: objects, and files of bytes that lost their index."""

    landed: dict[str, list[str]]
    without_index: dict[str, list[str]]
    unreachable: int = 0

    def count(self) -> int:
        return sum(map(len, chain(self.landed.values(), self.without_index.values())))


def _missing_objects(loader: Loader, unwrap: str) -> _Missing:
    landing, taken = loader.landing, loader.items_taken()
    keys = _published_keys(loader.settings)
    missing = _Missing(defaultdict(list), defaultdict(list))
    for object_id in landing.object_ids():
        key = keys.get(object_id, unwrap)
        try:
            landed = landing.describe(object_id)
        except RedoxWarehouseError:  # landing the kept bytes again makes a new index
            missing.without_index[key].append(str(landing.path_of(object_id)))
            continue
        if taken.get(object_id, -1) >= landed.item_count:
            continue
        if landed.in_place and loader.sources.mark(landed.uri) != landed.source_mark:
            missing.unreachable += 1
            continue
        missing.landed[key].append(object_id)
    return missing


def _published_keys(settings: Settings) -> dict[str, str]:
    """The envelope keys that published versions know, by object."""
    keys: dict[str, str] = {}
    for files in _published_objects(settings):
        with suppress(duckdb.Error), connected(spill=None) as connection:
            query = f"select object_id, unwrap from read_parquet({quote(files)}) where unwrap <> ''"
            keys |= dict(connection.execute(query).fetchall())
    return keys


def _published_objects(settings: Settings) -> Iterator[str]:
    for folder in published_versions(settings):
        files = folder / "core" / "landed_object"
        if any(files.glob("*.parquet")):
            yield str(files / "*.parquet")
