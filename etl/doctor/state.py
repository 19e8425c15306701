"""Checks of what was loaded: the site's catalog, the warehouse and its ledger, what is published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import duckdb

from etl.doctor.records import Check, fail, ok, warn
from etl.errors import PermanentError, WarehouseBusy
from etl.pipeline.catalog_cache import site_catalog
from etl.pipeline.hash_key import hash_fault
from etl.pipeline.numbers import require_newest
from etl.pipeline.purge.request import is_unfinished
from etl.pipeline.status import read_status
from etl.pipeline.value_policy import nulled_fields
from etl.plurals import counted, is_or_are
from etl.publish.folders import PublishedFolder
from etl.publish.manifest import MANIFEST, read_manifest
from etl.report.views import view_select
from etl.settings import Settings
from etl.warehouse import identity
from etl.warehouse.connection import open_warehouse, read_lock
from etl.warehouse.disk import measure_room
from etl.warehouse.identity import require_no_warehouse, way_to_continue
from etl.warehouse.lake import LakeFolder
from models.catalog import CatalogFaults
from models.catalog.rating_share import rating_share

MOST_FAULTS = 10
MOST_FREE_SHARE = 0.5
MOST_FREE_BYTES = 32 * 2**20


def check_catalog(settings: Settings) -> Iterator[Check]:
    """The packaged catalog with the site's lines: can it be read, planned, and applied?"""
    area = "catalog"
    overlay = settings.catalog_path
    files = sorted(path.name for path in overlay.glob("*.csv")) if overlay.is_dir() else []
    try:
        catalog = site_catalog(settings)
    except CatalogFaults as error:
        faults = [str(fault) for fault in error.faults[:MOST_FAULTS]]
        action = f"correct these lines: {'; '.join(faults)}"
        yield fail(area, "site's lines", counted(len(error.faults), "fault"), action)
        return
    yield ok(area, "site's lines", ", ".join(files) or "none")
    yield ok(area, "ratings", str(rating_share(catalog)))
    nulled = sum(map(len, nulled_fields(catalog, settings.values).values()))
    yield ok(
        area,
        "value policies",
        f"{counted(nulled, 'field')} set to drop values outside their value set",
    )


def check_warehouse(settings: Settings) -> Iterator[Check]:
    """The warehouse, its ledger and status.json; while a load writes, status.json alone."""
    area = "warehouse"
    if not settings.warehouse_path.exists():
        yield _missing(area, settings)
        return
    status = read_status(settings.status_path)
    yield _adds_up(area, status, settings)
    if is_unfinished(settings):
        action = "run `redox-warehouse purge --resume`."
        yield fail(area, "purge", "a purge is unfinished", action)
    if status and status["quarantine"]:
        count = sum(status["quarantine"].values())
        action = "see `redox-warehouse quarantine list`, then replay or resolve."
        yield warn(area, "quarantine", f"{counted(count, 'item')} {is_or_are(count)} open", action)
    try:
        with (
            read_lock(settings.warehouse_path, wait_s=0),
            open_warehouse(settings.warehouse_path, read_only=True) as connection,
        ):
            yield from _look_inside(area, connection, settings, status)
    except WarehouseBusy:
        yield ok(area, "file", "a load is running; status.json has its last commit")
    except PermanentError:
        action = (
            f"move {settings.warehouse_path.name} away, put a backup of it in its place or none, "
            f"and {_way_after_damage(settings)}."
        )
        yield fail(area, "file", "DuckDB cannot read it", action)


def _way_after_damage(settings: Settings) -> str:
    if LakeFolder(settings.home).is_there():
        return way_to_continue(settings.home)
    return "run `redox-warehouse recover` (with --unwrap KEY where the kept bytes are envelopes)"


def _missing(area: str, settings: Settings) -> Check:
    try:
        require_no_warehouse(settings.home)
    except PermanentError as error:
        return fail(area, "file", "it is missing", str(error))
    return ok(area, "file", "nothing is loaded yet")


def _parts_agree(area: str, connection: duckdb.DuckDBPyConnection, settings: Settings) -> Check:
    """Do warehouse, landing and published versions come from one history?"""
    try:
        identity.check(connection, settings.home)
        require_newest(connection, settings)
    except PermanentError as error:
        return fail(area, "identity", "its its its parts come from different times", str(error))
    damaged = [place for place, note in identity.notes_of(settings.home).items() if note is None]
    if damaged:
        found = f"{' and '.join(damaged)} cannot be read"
        return warn(area, "identity", found, "run `redox-warehouse load`; it writes them again.")
    return ok(area, "identity", "warehouse, landing and versions match")


def _adds_up(area: str, status: dict[str, Any] | None, settings: Settings) -> Check:
    if status is None:
        action = "run `redox-warehouse load`; it writes status.json again."
        return warn(area, "status", "there is no status.json", action)
    messages = status["messages"]
    parts = ("loaded", "duplicate", "quarantined", "purged")
    accounted = sum(messages.get(name, 0) for name in parts)
    if messages["received"] != accounted:
        found = f"received {messages['received']:,}, accounted for {accounted:,}"
        return fail(area, "status", found, "do not change the home, and report this.")
    return ok(area, "status", f"received {accounted:,} = {' + '.join(parts)}")


def _look_inside(
    area: str,
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    status: dict[str, Any] | None,
) -> Iterator[Check]:
    if not _has_ledger(connection):
        yield ok(area, "file", "nothing is loaded yet")
        return
    yield _parts_agree(area, connection, settings)
    fault = hash_fault(connection, settings.home)
    if fault:
        yield fail(area, "content hashes", "redeliveries would not be recognized", fault)
    else:
        yield ok(area, "content hashes", "computed with the home's key")
    yield _ledger(area, connection)
    yield _counts(area, connection)
    loads = _one(connection, "select count(*) from core.load")
    if status is not None and status["loads"] != loads:
        action = "run `redox-warehouse load`; it writes status.json again."
        yield warn(area, "status", f"it lists {status['loads']} of {loads} loads", action)
    yield _catalog_hash(area, connection, settings)
    yield _room(area, connection)


def _has_ledger(connection: duckdb.DuckDBPyConnection) -> bool:
    query = (
        "select count(*) from duckdb_tables() where schema_name = 'core' and table_name = 'load'"
    )
    return bool(_one(connection, query))


def _ledger(area: str, connection: duckdb.DuckDBPyConnection) -> Check:
    query = f"select is_balanced, partly_taken from {view_select('quality.ledger_total')}"
    is_balanced, partly_taken = connection.execute(query).fetchall()[0]
    if not is_balanced:
        action = "do not change the home, and report this with the rows of quality.ledger_load."
        return fail(area, "ledger", "it does not add up", action)
    if partly_taken:
        action = "run the same load again; it resumes."
        told = f"{counted(partly_taken, 'object')} {is_or_are(partly_taken)} loaded in part"
        return warn(area, "ledger", told, action)
    return ok(area, "ledger", "every received item is accounted for")


def _counts(area: str, connection: duckdb.DuckDBPyConnection) -> Check:
    rows = _one(connection, "select count(*) from core.message")
    query = "select coalesce(sum(messages), 0) from quality.message_count"
    counted = _one(connection, query)
    if rows != counted:
        found = f"{rows:,} messages, {counted:,} counted"
        return fail(area, "counts", found, "run `redox-warehouse reload`; it counts again.")
    return ok(area, "counts", f"{rows:,} messages, all counted")


def _room(area: str, connection: duckdb.DuckDBPyConnection) -> Check:
    """Free blocks of the file: they are used again, but the disk does not get them back by itself."""
    room = measure_room(connection)
    total = room.used_bytes + room.free_bytes
    found = f"{room.free_bytes / 1e6:,.0f} of {total / 1e6:,.0f} MB of the file are free"
    if room.free_bytes > MOST_FREE_BYTES and room.free_bytes > MOST_FREE_SHARE * total:
        action = "run `redox-warehouse compact` to return it to the disk."
        return warn(area, "room", found, action)
    return ok(area, "room", found)


def _catalog_hash(area: str, connection: duckdb.DuckDBPyConnection, settings: Settings) -> Check:
    query = "select value from core.warehouse where name = 'catalog_hash'"
    known = [row[0] for row in connection.execute(query).fetchall()]
    try:
        is_same = site_catalog(settings).content_hash in known
    except CatalogFaults:
        return ok(area, "catalog", "see above")
    if is_same:
        return ok(area, "catalog", "the warehouse was written with this catalog")
    action = (
        "the next load adds columns; run `redox-warehouse reload` to fill them for loaded messages."
    )
    return warn(area, "catalog", "it has changed since the last load", action)


def check_published(settings: Settings) -> Iterator[Check]:
    """What analysts read: is there a version, and does it hold the last load?"""
    area = "published"
    status = read_status(settings.status_path)
    folder = PublishedFolder(settings.published_path).current()
    if folder is None:
        if status is None:
            yield ok(area, "version", "nothing to publish yet")
        else:
            action = "run `redox-warehouse publish`."
            yield warn(area, "version", "none yet, so analysts have nothing to read", action)
        return
    manifest = read_manifest(folder / MANIFEST)
    if manifest is None:
        action = "run `redox-warehouse publish` to create a new one."
        yield fail(area, "version", f"version {folder.name} has no manifest", action)
        return
    loaded = status["last_load_at"] if status else None
    if loaded and datetime.fromisoformat(loaded) > datetime.fromisoformat(manifest.created_at):
        action = "run `redox-warehouse publish`, or check that its schedule is running."
        yield warn(area, "version", f"version {folder.name} is older than the last load", action)
    else:
        yield ok(area, "version", f"version {folder.name} includes the last load")


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])
