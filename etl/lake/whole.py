"""Versions that are whole: all that a lake holds, said again, so that nothing before is kept.

A purge needs one, as rows of messages are in the files of the book, too; compacting makes one of what
is there. Killed before it is put, nothing has changed; killed after, the next driver lets the book be
what it says and removes what it has dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np

from etl.errors import TransientError
from etl.lake.entering import mark_version
from etl.lake.merge import merge_small
from etl.lake.rewrite import Rewritten, of_messages, rewrite_without
from etl.lake.snapshot import present_models, write_snapshot
from etl.lake.writer import LakeWriter
from etl.pipeline.compact import CompactSummary
from etl.pipeline.lake_files import book_version
from etl.warehouse import ledger
from etl.warehouse.compact import rewrite_warehouse
from etl.warehouse.identity import commit
from etl.warehouse.lake import HeldFile, Kind, LakeVersion, carry

Connection = duckdb.DuckDBPyConnection
_PURGED = """
select purged_message.message_id, message.data_model
from purged_message join core.message on message.message_id = purged_message.message_id
"""


def rewrite_purged(loader: LakeWriter, connection: Connection) -> list[Rewritten]:
    """Write the files that hold messages of the temporary table `purged_message` without them."""
    rows = connection.execute(_PURGED).fetchall()
    if not rows:
        return []
    purged = {model for _, model in rows}
    others = {
        tables[""].schema
        for model, tables in loader.compiled.plan.models.items()
        if model not in purged
    }  # so that files of a data model that the catalog does not have any more are read, too
    gone = of_messages(np.asarray([message_id for message_id, _ in rows], np.int64))
    files = (one for one in loader.held(connection) if _schema_of(one) not in others)
    return list(rewrite_without(loader.lake, files, gone))


def put_whole(
    loader: LakeWriter, connection: Connection, kind: Kind, rewritten: Sequence[Rewritten] = ()
) -> LakeVersion:
    """Put a version of all that holds as of the open transaction, and commit that.

    Raises TransientError where another driver was first; then nothing has changed.
    """
    now = loader.clock().isoformat()
    present = loader.lake.present()
    number = book_version(connection) + 1
    replaced = {one.old.file.file for one in rewritten}
    held = [one for one in loader.held(connection) if one.file.file not in replaced]
    held += [one.new for one in rewritten if one.new]
    mark_version(connection, number)
    next_id = ledger.next_message_id(connection)
    version = LakeVersion(
        version=number,
        load_id=ledger.next_load_id(connection) - 1,
        first_message_id=next_id,
        next_message_id=next_id,
        started_at=now,
        finished_at=now,
        catalog_hash=loader.compiled.catalog.content_hash,
        book=tuple(write_snapshot(connection, loader.settings.home, loader.compiled.plan)),
        kind=kind,
        models=tuple(present_models(connection, loader.compiled.plan)),
        dropped=tuple(sorted(present - {one.file.file for one in held})),
        is_whole=True,
        carried=carry(held),
    )
    if not loader.put(connection, version):
        raise TransientError(
            "Another driver has changed the lake meanwhile, nothing was changed here; run the "
            "command again."
        )
    commit(connection, loader.settings.home)
    loader.lake.clean(version)
    return version


def compact(loader: LakeWriter) -> CompactSummary:
    """Merge small files, forget all versions before and what no version names, write the warehouse's
    file again."""
    path = loader.settings.warehouse_path
    with loader.writing():
        before, files = path.stat().st_size, len(loader.lake.present())
        with loader.open() as connection:
            held = loader.held(connection)
            merged = list(merge_small(loader.lake, held, loader.compiled.plan))
            connection.execute("begin")
            put_whole(loader, connection, Kind.COMPACT, merged)
        rewrite_warehouse(path)
        return CompactSummary(before, path.stat().st_size, files, len(loader.lake.present()))


def _schema_of(held: HeldFile) -> str:
    return held.file.table.partition(".")[0]
