"""The order of steps of a purge. Killed anywhere, the next call finishes it first.

1. what waits in HOME/incoming and in the spool of pulls is loaded, so that it is found;
2. what is to go is selected, in the marts' bridge, in tables, in landed bytes;
3. one transaction removes rows, takes counts and ledger back, and lists the bytes to overwrite;
4. landed bytes are overwritten, names of files forgotten, reports and exports removed;
5. a new version is published and those that hold what was purged are removed; Delta tables follow;
6. the warehouse's file is rewritten, without the free pages of the old one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from etl.errors import PermanentError, UsageFault
from etl.framing.segments import MAGIC
from etl.pipeline.load import Loader
from etl.pipeline.pull import recover_pull
from etl.pipeline.purge.erase import erase_pending
from etl.pipeline.purge.observe import complete_deliveries
from etl.pipeline.purge.patients import text_pattern
from etl.pipeline.purge.request import Entry, PurgeRequest, read_entry, remove_entry, write_entry
from etl.pipeline.purge.rows import apply
from etl.pipeline.purge.select import Selected, select
from etl.pipeline.purge.traces import Traces, remove_traces
from etl.pipeline.purge.versions import Versions, renew_lakes, renew_versions, require_renewed
from etl.pipeline.status import write_status
from etl.settings import Settings
from etl.warehouse import ledger
from etl.warehouse.compact import rewrite_warehouse
from etl.warehouse.identity import commit

_FINISHED = "update core.purge set finished_at = ? where purge_id = ? and finished_at is null"
_STARTED = "select coalesce(max(purge_id), 0) from core.purge where started_at = ?"
_RECORD = """
select messages, duplicates, quarantined, table_rows, objects, bytes, in_place
from core.purge where purge_id = ?
"""


@dataclass(frozen=True, slots=True)
class Removed:
    """How much was removed, or in a dry run would be; `table_rows` only once it was."""

    messages: int = 0
    duplicates: int = 0
    quarantined: int = 0
    table_rows: int = 0
    objects: int = 0
    bytes: int = 0
    in_place: int = 0


@dataclass(frozen=True, slots=True)
class PurgeSummary:
    """What a purge did; numbers only.

    `purge_id` is 0 where there was nothing to remove. `waiting` counts segments and spools that were
    not loaded (dry run), `receiving` says that a webhook goes on storing. `with_others` are messages
    that name other patients too. `delta` names the targets of Delta tables that were renewed.
    """

    purge_id: int
    is_dry_run: bool
    removed: Removed
    with_others: int = 0
    waiting: int = 0
    receiving: bool = False
    traces: Traces = field(default_factory=Traces)
    versions: Versions = field(default_factory=Versions)
    delta: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


def purge(loader: Loader, request: PurgeRequest, *, dry_run: bool = False) -> PurgeSummary:
    """Remove what a request names, once a purge that was killed is finished.

    Raises UsageFault for a request that names nothing or cannot be understood.
    """
    loader.require_own_kind()
    request.check()
    settings = loader.settings
    if not settings.warehouse_path.exists():
        raise UsageFault("There is no warehouse yet, so there is nothing to purge.")
    if dry_run:
        with loader.writing():
            _make_current(loader)
            selected = select(loader, request)
        return _would(loader, selected)
    resume(loader)
    receiving = _load_waiting(loader)
    started_at = loader.clock()
    with loader.writing():
        complete_deliveries(loader)
        selected = select(loader, request)
        if selected.is_empty:
            return PurgeSummary(0, False, Removed(), receiving=receiving)
        pattern = text_pattern(selected.people).pattern if selected.people else b""
        entry = Entry(request, started_at.isoformat(), pattern=pattern.decode("latin-1"))
        write_entry(settings, entry)
        applied = apply(loader, request, selected, started_at)
        entry = Entry(request, entry.started_at, applied.purge_id, entry.pattern)
        write_entry(settings, entry)
    return _finish(loader, entry, with_others=selected.with_others, receiving=receiving)


def resume(loader: Loader) -> PurgeSummary | None:
    """Finish a purge that was killed; None where there is none, or it had not begun to remove."""
    entry = read_entry(loader.settings)
    if entry is None or not loader.settings.warehouse_path.exists():
        return None
    if not entry.purge_id:
        started_at = datetime.fromisoformat(entry.started_at)
        with loader.writing(), loader.open() as connection:  # what was put, is committed
            purge_id = int(connection.execute(_STARTED, [started_at]).fetchall()[0][0])
        if not purge_id:
            remove_entry(loader.settings)
            return None
        entry = Entry(entry.request, entry.started_at, purge_id, entry.pattern)
    return _finish(loader, entry)


def _make_current(loader: Loader) -> None:
    """Give a warehouse of an earlier release the tables that are asked."""
    with loader.open() as connection:
        loader.prepare(connection)


def _would(loader: Loader, selected: Selected) -> PurgeSummary:
    waiting = list(_waiting(loader.settings))
    removed = Removed(
        messages=selected.messages.num_rows,
        duplicates=len(selected.deliveries),
        quarantined=len(selected.quarantine_ids),
        objects=selected.objects,
        bytes=selected.bytes,
        in_place=selected.in_place,
    )
    return PurgeSummary(0, True, removed, selected.with_others, len(waiting))


def _finish(
    loader: Loader, entry: Entry, *, with_others: int = 0, receiving: bool = False
) -> PurgeSummary:
    """All that comes after the transaction; each step may be done twice."""
    settings = loader.settings
    loader.remove_dropped()
    erase_pending(loader)
    _check_erased(loader, entry.purge_id)
    with loader.writing(), loader.open(read_only=True) as connection:
        purged = ledger.purged_objects(connection)
    traces = remove_traces(settings, entry.regex, purged)
    versions = renew_versions(loader)
    renewed, left = renew_lakes(loader)
    with loader.writing():
        rewrite_warehouse(settings.warehouse_path)
        require_renewed(left, settings.delta_path)
        with loader.open() as connection:
            connection.execute("begin")
            connection.execute(_FINISHED, [loader.clock(), entry.purge_id])
            commit(connection, settings.home)
            row = connection.execute(_RECORD, [entry.purge_id]).fetchall()[0]
            write_status(connection, settings, loader.clock())
    remove_entry(settings)
    return PurgeSummary(
        entry.purge_id,
        False,
        Removed(*map(int, row)),
        with_others=with_others,
        receiving=receiving,
        traces=traces,
        versions=versions,
        delta=renewed,
    )


def _check_erased(loader: Loader, purge_id: int) -> None:
    """Raise PermanentError if another process has landed an object again while it was overwritten."""
    query = (
        "select object_id, list(item) from core.purged_item where purge_id = ? group by object_id"
    )
    with loader.writing(), loader.open(read_only=True) as connection:
        rows = connection.execute(query, [purge_id]).fetchall()
    landing = loader.landing
    if any(
        landing.has(object_id) and not landing.is_erased(object_id, own) for object_id, own in rows
    ):
        raise PermanentError(
            "A landed object was written again while it was purged; run the command again."
        )


def _load_waiting(loader: Loader) -> bool:
    """Load closed segments and kept replies; gives whether a webhook goes on storing."""
    settings = loader.settings
    recover_pull(settings)
    receiving = _close_segments(settings.incoming_path)
    if any(_waiting(settings)):
        incoming = loader.sources.list([str(settings.incoming_path)])
        loader.load_sources(incoming, unwrap="", in_place=False)
    return receiving


def _waiting(settings: Settings) -> list[Path]:
    spool = settings.home / "pull" / "replies.spool"
    waiting = [*settings.incoming_path.glob("*.seg"), *settings.incoming_path.glob("*.open")]
    return [*waiting, *([spool] if spool.is_file() and spool.stat().st_size else [])]


def _close_segments(folder: Path) -> bool:
    """Close what a dead receiver left open; true if one is alive, which closes its own."""
    left = list(folder.glob("*.open"))
    if not folder.is_dir():
        return False
    lock = FileLock(folder / ".receive.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    try:
        for path in left:
            if path.stat().st_size <= len(MAGIC):
                path.unlink()
            else:
                path.rename(path.with_suffix(".seg"))
    finally:
        lock.release()
    return False
