"""The order of steps of a publication: lock, look, write Parquet, make views, appear, forget.

The warehouse is open, read-only and under its write lock, only while Parquet is written; a lock of
its own keeps publications apart. Killed anywhere, readers keep the version they had, and the next
run cleans up and does it again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from etl.errors import UsageFault
from etl.kept_files import keep, kept_name
from etl.pipeline.catalog_cache import site_plan
from etl.pipeline.catalog_page import write_catalog_page
from etl.pipeline.lake_files import lake_files
from etl.pipeline.numbers import require_newest
from etl.pipeline.reader_catalog import fill, plan_catalog
from etl.publish.folders import TABLES_FILE, VIEWS_FILE, PublishedFolder, check_space
from etl.publish.manifest import MANIFEST, Manifest, TableFiles, read_manifest, to_json
from etl.publish.parquet import Earlier, Written, write_tables
from etl.publish.promises import require_kept_promises
from etl.publish.relations import Relation, read_relations
from etl.publish.state import WarehouseState, read_state
from etl.publish.stored import Limits, Stored, write_stored
from etl.publish.views import (
    ReaderCatalog,
    copied_database,
    filling_database,
    parquet_of,
    point_to,
)
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse, rewritten_errors, write_lock
from etl.warehouse.identity import check, require_no_warehouse
from etl.warehouse.organizations import (
    has_organizations,
    read_organizations,
    sync_organizations,
)
from etl.warehouse.schema import Schema, is_current, retype_remedy

LOCK_WAIT_S = 600.0
MOST_WORKERS = 8
_VIEW_SOURCES = {
    "etl.publish": ("relations.py", "views.py"),
    "etl.report": ("conformed.py",),
}


def utc_now() -> datetime:
    """The clock of publications."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PublishSummary:
    """What a publication did. `is_new` is false when nothing had changed since `version`."""

    version: int
    is_new: bool
    folder: str
    tables: int
    rows: int
    bytes: int
    files_written: int
    files_shared: int
    removed: tuple[int, ...] = ()
    materialized: str = ""

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


def publish(
    settings: Settings,
    *,
    materialize: bool = False,
    keep_versions: int | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> PublishSummary:
    """Publish what the warehouse holds; without a change since the last version, none is made.

    `keep_versions` overrides the setting: 1 leaves no older version, as a purge needs it. Raises
    UsageFault without a warehouse, CatalogFaults, WarehouseBusy, DiskFull.
    """
    if not settings.warehouse_path.exists():
        require_no_warehouse(settings.home)
        raise UsageFault("There is no warehouse to publish; run `redox-warehouse load` first.")
    folder = PublishedFolder(settings.published_path.resolve())
    lock = write_lock(folder.root / "publish", wait_s=LOCK_WAIT_S)
    with lock, rewritten_errors("publish the warehouse"):
        folder.recover()
        _learn_site(settings)
        summary = _publish(settings, folder, clock())
        if materialize:
            target = _materialize(settings, folder, summary.version)
            summary = replace(summary, materialized=str(target))
        keep = keep_versions or settings.publish.keep_versions
        return replace(summary, removed=tuple(folder.forget(keep=keep)))


def _learn_site(settings: Settings) -> None:
    """Take what the site's catalog and organizations.csv say now into the warehouse.

    Loads do the same, but only those that have something to load.
    """
    catalog, plan = site_plan(settings)
    organizations = read_organizations(settings.organizations_path)
    with _reading(settings) as (_, connection):
        is_known = is_current(connection, catalog.content_hash)
        if is_known and has_organizations(connection, organizations):
            return
    path = settings.warehouse_path
    with write_lock(path, wait_s=LOCK_WAIT_S), open_warehouse(path, read_only=False) as connection:
        connection.execute("begin")
        Schema(catalog, plan, remedy=retype_remedy(settings.home)).ensure(connection, ())
        sync_organizations(connection, settings.organizations_path)
        connection.execute("commit")


def _publish(settings: Settings, folder: PublishedFolder, now: datetime) -> PublishSummary:
    latest = folder.latest()
    version = max(folder.numbers(), default=0) + 1
    with folder.building() as built:
        with _reading(settings) as (relations, connection):
            require_newest(connection, settings)
            state = read_state(connection, relations)
            tables, done = write_tables(
                connection,
                state,
                built,
                earlier=_earlier(folder, latest),
                workers=_workers(),
                given=lake_files(connection, settings.home),
            )
        catalog = plan_catalog(relations, settings, catalog_hash=state.catalog_hash)
        stored = _store_marts(settings, _earlier(folder, latest), built, catalog, tables)
        catalog = catalog.with_stored(stored.relations)
        done = done.plus(stored.done)
        manifest = _manifest(
            state, {**tables, **stored.files}, catalog, folder.folder_of(version), now
        )
        if latest and not done.written and latest.has_content_of(manifest):
            folder.make_current(latest.version)
            return _summary(latest, Written(0, 0), is_new=False)
        _write_views(folder, built, manifest, latest, catalog, settings.cache_path)
        write_catalog_page(
            built, catalog, manifest.tables, site_plan(settings), version=version, made_at=now
        )
        (built / MANIFEST).write_text(to_json(manifest), "utf-8")
        (built / MANIFEST).chmod(0o400)
        folder.adopt(built, version)
    folder.make_current(version)
    return _summary(manifest, done, is_new=True)


def _store_marts(
    settings: Settings,
    earlier: Earlier | None,
    built: Path,
    catalog: ReaderCatalog,
    tables: dict[str, TableFiles],
) -> Stored:
    """Write the stored views beside the tables they stand on; no lock of the warehouse is held."""
    stored = write_stored(
        catalog,
        tables,
        built,
        earlier=earlier,
        limits=Limits(settings.marts.memory_bytes, _workers(), settings.temporary_path),
    )
    require_kept_promises(built, stored.files)
    return stored


def _workers() -> int:
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)))


@contextmanager
def _reading(
    settings: Settings,
) -> Iterator[tuple[dict[str, Relation], duckdb.DuckDBPyConnection]]:
    """The warehouse at rest: no load can change it while its slices are copied."""
    path = settings.warehouse_path
    with write_lock(path, wait_s=LOCK_WAIT_S), open_warehouse(path, read_only=True) as connection:
        check(connection, settings.home)
        relations = read_relations(connection)
        if "core.message" not in relations:
            raise UsageFault("Nothing has been loaded; run `redox-warehouse load` first.")
        yield relations, connection


def _earlier(folder: PublishedFolder, latest: Manifest | None) -> Earlier | None:
    return Earlier(folder.folder_of(latest.version), latest.tables) if latest else None


def _manifest(
    state: WarehouseState,
    tables: dict[str, TableFiles],
    catalog: ReaderCatalog,
    folder: Path,
    now: datetime,
) -> Manifest:
    return Manifest(
        version=int(folder.name),
        created_at=now.isoformat(),
        folder=str(folder),
        catalog_hash=state.catalog_hash,
        load_ids=state.load_ids,
        views_hash=catalog.content_hash,
        views=tuple(sorted(view.name for view in catalog.views)),
        tables=tables,
    )


def _write_views(
    folder: PublishedFolder,
    built: Path,
    manifest: Manifest,
    latest: Manifest | None,
    catalog: ReaderCatalog,
    cache: Path,
) -> None:
    """Views made before serve again, pointed elsewhere: those of the version before, or kept ones."""
    path = built / VIEWS_FILE
    made = [cache / kept_name("views", manifest.views_hash, _VIEW_SOURCES)]
    if latest and latest.views_hash == manifest.views_hash:
        made.insert(0, folder.folder_of(latest.version) / VIEWS_FILE)
    if any(copied_database(views, path) for views in made):
        with filling_database(path) as connection:
            point_to(connection, folder.folder_of(manifest.version))
        return
    with folder.standing_in(built, manifest.version) as place, filling_database(path) as connection:
        point_to(connection, place)
        fill(connection, catalog, parquet_of)
    keep(path, made[-1])


def _materialize(settings: Settings, folder: PublishedFolder, version: int) -> Path:
    """Add the self-contained file to a version, once."""
    version_folder = folder.folder_of(version)
    target = version_folder / TABLES_FILE
    manifest = read_manifest(version_folder / MANIFEST)
    if target.exists() or manifest is None:
        return target
    with open_warehouse(
        version_folder / VIEWS_FILE, read_only=True, spill=settings.temporary_path
    ) as connection:
        published = read_relations(connection)
    tables = {name: published[name] for name in manifest.tables}
    catalog = plan_catalog(tables, settings, catalog_hash=manifest.catalog_hash)
    check_space(folder.root, manifest)
    with folder.building() as built:
        made = built / TABLES_FILE
        with filling_database(made, spill=settings.temporary_path) as connection:
            point_to(connection, version_folder)
            fill(connection, catalog, parquet_of, kind="table")
        folder.add(made, target)
    return target


def _summary(manifest: Manifest, done: Written, *, is_new: bool) -> PublishSummary:
    return PublishSummary(
        version=manifest.version,
        is_new=is_new,
        folder=manifest.folder,
        tables=len(manifest.tables),
        rows=manifest.rows,
        bytes=manifest.bytes,
        files_written=done.written,
        files_shared=done.shared,
    )
