"""Checks of the kept bytes: is every object that the ledger knows still here, and still the same?"""

from __future__ import annotations

from collections.abc import Iterator

from etl.doctor.records import Check, fail, ok
from etl.errors import PermanentError, RedoxWarehouseError, TransientError, WarehouseBusy
from etl.landing.store import Landing
from etl.pipeline.sources import Sources
from etl.plurals import counted
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse, read_lock
from etl.warehouse.lake import LakeFolder
from etl.warehouse.ledger import purged_objects

AREA = "landing"
MOST_NAMES = 5
_KNOWN = "select object_id, coalesce(in_place, false) from core.landed_object order by landed_at"
_UNTIL_THEN = "until then their messages cannot be shown or reloaded."
_REMEDY = (
    "load the files they came from again, which replaces them, run `redox-warehouse recover` where "
    f"only an index is damaged, or restore HOME/landing from a backup; {_UNTIL_THEN}"
)
_REMEDY_OF_LAKE = (
    "run `redox-warehouse load` with the files they came from, which replaces them, or "
    f"restore HOME/landing from a backup; {_UNTIL_THEN}"
)


def check_kept_bytes(settings: Settings, *, is_reading: bool) -> Iterator[Check]:
    """Every object of the ledger has its files; when reading, its bytes have its hash too.

    Nothing is locked while bytes are read. What was landed after the last commit is not asked for.
    """
    try:
        known = _known_objects(settings)
    except WarehouseBusy:
        yield ok(AREA, "objects", "a load is running; run doctor again when it is done")
        return
    except PermanentError:  # reported by the checks of the warehouse
        return
    if not known:
        yield ok(AREA, "objects", "nothing is loaded yet")
        return
    landing = Landing(settings.landing_path, sources=Sources(settings.buckets))
    missing = [name for name, in_place in known if not landing.keeps(name, in_place=in_place)]
    if missing:
        yield fail(AREA, "objects", _told(missing, len(known), "missing"), _remedy(settings))
    else:
        yield ok(AREA, "objects", f"{counted(len(known), 'object')}, none missing")
    if is_reading:
        lost = set(missing)
        yield _read([name for name, _ in known if name not in lost], landing, _remedy(settings))


def _remedy(settings: Settings) -> str:
    return _REMEDY_OF_LAKE if LakeFolder(settings.home).is_there() else _REMEDY


def _known_objects(settings: Settings) -> list[tuple[str, bool]]:
    path = settings.warehouse_path
    if not path.exists():
        return []
    with read_lock(path, wait_s=0), open_warehouse(path, read_only=True) as connection:
        query = "select count(*) from duckdb_tables() where table_name = 'landed_object'"
        if connection.execute(query).fetchall() == [(0,)]:
            return []
        purged = purged_objects(connection)
        rows = connection.execute(_KNOWN).fetchall()
        return [(name, in_place) for name, in_place in rows if name not in purged]


def _read(names: list[str], landing: Landing, remedy: str) -> Check:
    """Read all bytes of these objects; those at a source that does not answer count as unread."""
    damaged, unread = [], []
    for name in names:
        try:
            if not landing.is_unchanged(name):
                damaged.append(name)
        except TransientError:
            unread.append(name)
        except (RedoxWarehouseError, OSError, EOFError, ValueError):
            damaged.append(name)
    if damaged:
        return fail(AREA, "bytes", _told(damaged, len(names), "damaged"), remedy)
    if unread:
        action = "see `sources`, and run doctor again once the source answers."
        return fail(AREA, "bytes", _told(unread, len(names), "out of reach"), action)
    return ok(AREA, "bytes", f"{counted(len(names), 'object')} read, all unchanged")


def _told(names: list[str], total: int, state: str) -> str:
    shown = ", ".join(name[:12] for name in names[:MOST_NAMES])
    more = ", ..." if len(names) > MOST_NAMES else ""
    return f"{len(names):,} of {counted(total, 'object')} {state}: {shown}{more}"
