"""Lets the book of a lake take versions: what a version says happens in one transaction of the book.

A driver that puts a version goes on to its end here; one that finds versions which the book lacks,
as after a kill or a restored backup, enters them from their beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import duckdb

from etl.errors import PermanentError
from etl.lake.book import book_rows
from etl.lake.pending import Pending, number, pending_of
from etl.lake.snapshot import restore_snapshot
from etl.lake.writer import LakeWriter
from etl.pipeline.lake_files import book_version
from etl.pipeline.recipes import close_items, put_recipes_back, set_recipes
from etl.pipeline.records import LoadSummary
from etl.pipeline.transaction import LOAD, RELOAD, REPLAY, Transaction
from etl.warehouse.identity import commit
from etl.warehouse.lake import VERSION_ROW, Kind, LakeFolder, LakeVersion

Connection = duckdb.DuckDBPyConnection


def missing_versions(lake: LakeFolder, connection: Connection) -> Iterator[LakeVersion]:
    """The versions that a book lacks, ascending; where it is older than a whole one, from that on."""
    newest = lake.newest()
    first = book_version(connection) + 1
    if first <= newest:
        for one in range(max(first, lake.oldest()), newest + 1):
            yield lake.read(one)


def enter(loader: LakeWriter, connection: Connection, version: LakeVersion) -> None:
    """Let the book take a version of which it has nothing yet."""
    if version.is_whole:
        connection.execute("begin")
        restore_snapshot(connection, loader.lake, version, loader.schema)
        _commit(loader, connection, version)
    elif version.kind is Kind.RESOLVE:
        connection.execute("begin")
        finish_resolve(loader, connection, version)
    elif version.kind is Kind.RELOAD:
        pending = pending_of(loader.lake, loader.landing, version)
        connection.execute("begin")
        finish_reload(loader, connection, version, pending)
    else:
        _enter_numbered(loader, connection, version)


def _enter_numbered(loader: LakeWriter, connection: Connection, version: LakeVersion) -> None:
    pending = pending_of(loader.lake, loader.landing, version)
    connection.execute("begin")
    kind, earlier = LOAD, {}
    if version.kind is Kind.REPLAY:
        kind, earlier = REPLAY, set_recipes(connection, recipes_in(pending))
    transaction = loader.begin(connection, kind=kind)
    first_id = transaction.next_message_id
    number(connection, transaction, pending)
    if (first_id, transaction.next_message_id) != (
        version.first_message_id,
        version.next_message_id,
    ):
        raise PermanentError(
            f"The warehouse and version {version.version} of its lake come from different times; put "
            "the missing part back from a backup."
        )
    finish_load(loader, connection, transaction, version, pending, earlier=earlier)


def finish_load(
    loader: LakeWriter,
    connection: Connection,
    transaction: Transaction,
    version: LakeVersion,
    pending: Pending,
    *,
    earlier: Mapping[str, str] | None = None,
) -> LoadSummary:
    """A load or a replay whose messages are numbered: take its rows, record it, commit."""
    transaction.add(book_rows(loader.lake, version))
    summary = transaction.record(
        started_at=datetime.fromisoformat(version.started_at),
        finished_at=datetime.fromisoformat(version.finished_at),
        objects=loader.landed_rows(pending.pieces),
    )
    put_recipes_back(connection, earlier or {})
    _commit(loader, connection, version)
    written = {file.table: 0 for file in version.tables}
    for file in version.tables:
        written[file.table] += file.rows
    return replace(summary, rows={**summary.rows, **written})


def finish_reload(
    loader: LakeWriter, connection: Connection, version: LakeVersion, pending: Pending
) -> int:
    """Replace a slice's rows of the book, in the transaction that is open; gives its messages."""
    assert version.slice is not None
    transaction = loader.begin(connection, kind=RELOAD)
    transaction.replace_slice(version.slice)
    for unit, result, ids in zip(pending.units, pending.results, pending.ids, strict=True):
        transaction.store(unit, result, ids)
    transaction.add(book_rows(loader.lake, version))
    count = transaction.record_reload(
        version.slice,
        started_at=datetime.fromisoformat(version.started_at),
        finished_at=datetime.fromisoformat(version.finished_at),
    )
    _commit(loader, connection, version)
    return count


def finish_resolve(loader: LakeWriter, connection: Connection, version: LakeVersion) -> int:
    """Close items in quarantine, in the transaction that is open; gives how many."""
    at = datetime.fromisoformat(version.finished_at)
    closed = close_items(connection, version.resolved, at)
    _commit(loader, connection, version)
    return closed


def recipes_in(pending: Pending) -> dict[str, str]:
    """By which recipe the items of each object were tried."""
    return {run.object_id: run.unwrap for plan in pending.plans for run in plan.runs}


def mark_version(connection: Connection, number: int) -> None:
    """Note up to which version the book is, in the caller's transaction."""
    connection.execute("delete from core.warehouse where name = ?", [VERSION_ROW])
    connection.execute("insert into core.warehouse values (?, ?)", [VERSION_ROW, number])


def _commit(loader: LakeWriter, connection: Connection, version: LakeVersion) -> None:
    """Commit the book, then remove what the version has dropped."""
    mark_version(connection, version.version)
    commit(connection, loader.settings.home)
    loader.lake.clean(version)
