"""Published versions: a new one without what was purged, then none that still holds it.

Counts and marts of an older version are sums over what it held. They cannot be made right from that
version alone, so it is removed as a whole; see the decision. What was purged leaves Delta tables with
the files of their versions, at every target that the home has.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from etl.errors import RedoxWarehouseError, TransientError
from etl.pipeline.delta import is_missing_folder, read_record, register_delta
from etl.pipeline.load import LOCK_WAIT_S, Loader
from etl.pipeline.publish import publish
from etl.pipeline.purge.bridge import STORED, open_stored
from etl.publish.folders import TABLES_FILE, PublishedFolder
from etl.sql_text import literal_path, quote
from etl.warehouse.connection import write_lock

_HOLDS = f"""
select 1 from read_parquet({{files}}) as published
semi join (
    select object_id, item from {STORED}.core.purged_item where purge_id is not null
) as purged on purged.object_id = published.object_id and purged.item = published.item
limit 1
"""
_WITH_ITEMS = ("core/message", "core/quarantine")


@dataclass(frozen=True, slots=True)
class Versions:
    """What became of published versions; `published` is 0 where nothing was ever published."""

    published: int = 0
    removed: tuple[int, ...] = ()


def renew_versions(loader: Loader) -> Versions:
    """Publish what is left and remove every version that holds what was purged."""
    settings = loader.settings
    folder = PublishedFolder(settings.published_path.resolve())
    if not folder.numbers():
        return Versions(0, ())
    holding = _holding(loader, folder)
    if not holding:
        return Versions(folder.numbers()[-1], ())
    is_materialized = any((folder.folder_of(n) / TABLES_FILE).exists() for n in holding)
    made = publish(settings, materialize=is_materialized, clock=loader.clock)
    with write_lock(folder.root / "publish", wait_s=LOCK_WAIT_S):
        removed = folder.remove(n for n in holding if n in folder.numbers())
    return Versions(made.version, tuple(removed))


def _holding(loader: Loader, folder: PublishedFolder) -> list[int]:
    with loader.writing(), open_stored(loader.settings) as connection:
        return [n for n in folder.numbers() if _holds(connection, folder.folder_of(n))]


def _holds(connection: duckdb.DuckDBPyConnection, version: Path) -> bool:
    for name in _WITH_ITEMS:
        files = [quote(literal_path(str(path))) for path in (version / name).glob("*.parquet")]
        query = _HOLDS.format(files=f"[{', '.join(files)}]")
        if files and connection.execute(query).fetchall():
            return True
    return False


def renew_lakes(loader: Loader) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Register the current version, and delete at once what no table names any more.

    Gives the targets that hold nothing of what was purged now, and those that could not be reached.
    """
    settings = loader.settings
    renewed, left = [], []
    for target in sorted(read_record(settings.delta_path).targets):
        try:
            if is_missing_folder(target):
                raise TransientError("The folder is not there.")
            register_delta(settings, target, keep_hours=0)
        except RedoxWarehouseError:
            left.append(target)
        else:
            renewed.append(target)
    return tuple(renewed), tuple(left)


def require_renewed(left: tuple[str, ...], record: Path) -> None:
    """Raise TransientError that names the targets which may still hold what was purged."""
    if left:
        raise TransientError(
            f"Purged everywhere but in the Delta tables at {', '.join(left)}; make them reachable, or "
            f"take a target that is no more out of {record}, then run "
            "`redox-warehouse purge --resume`."
        )
