"""Brings a home of an earlier version up to this one: every message gets a new content hash.

Slice by slice, each in one transaction, from the landed bytes; killed in between, the next call goes
on with the slices that are left. The receiver stores on meanwhile, loads wait. What was counted as a
duplicate stays so. A message whose bytes are gone has no hash any more: a redelivery of it is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from etl.errors import PermanentError
from etl.kernel.columns import integers
from etl.kernel.run import Status
from etl.pipeline.hash_key import has_hashes_of, mark_hashes, read_hash_key
from etl.pipeline.load import Loader
from etl.pipeline.reload import check_exists, runs_of_slice
from etl.pipeline.status import write_status
from etl.pipeline.units import gather_units
from etl.warehouse.identity import commit
from models.tables.plan import SLICE_BITS

PROGRESS = "migrated_slices"
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class MigrateSummary:
    """What was done: `without_bytes` are messages that keep no hash, `objects` where they were."""

    is_needed: bool
    messages: int
    without_bytes: int
    objects: tuple[str, ...]


def migrate(loader: Loader) -> MigrateSummary:
    """Hash every loaded message with the home's key; nothing happens where that was done."""
    check_exists(loader)
    key = read_hash_key(loader.settings.home)
    with loader.writing(), loader.open() as connection:
        connection.execute("begin")
        loader.schema.ensure(connection, ())
        if has_hashes_of(connection, key):
            connection.execute("commit")
            return MigrateSummary(False, 0, 0, ())
        left = _slices_left(connection)
        commit(connection, loader.settings.home)
    messages, without_bytes, objects = 0, 0, set[str]()
    for number in left:
        hashed, gone, gone_objects = _migrate_slice(loader, number)
        messages, without_bytes = messages + hashed, without_bytes + gone
        objects |= gone_objects
    with loader.writing(), loader.open() as connection:
        connection.execute("begin")
        mark_hashes(connection, key)
        connection.execute("delete from core.warehouse where name = ?", [PROGRESS])
        commit(connection, loader.settings.home)
        write_status(connection, loader.settings, loader.clock())
    return MigrateSummary(True, messages, without_bytes, tuple(sorted(objects)))


def _slices_left(connection: duckdb.DuckDBPyConnection) -> list[int]:
    query = (
        f"select distinct message_id >> {SLICE_BITS} as slice from core.message where slice > "
        "(select coalesce(max(value::bigint), -1) from core.warehouse where name = ?) order by 1"
    )
    return [int(row[0]) for row in connection.execute(query, [PROGRESS]).fetchall()]


def _migrate_slice(loader: Loader, number: int) -> tuple[int, int, set[str]]:
    """Give the messages of a slice their hashes; gives how many have one, how many not, and where."""
    gone_objects: set[str] = set()
    with loader.writing(), loader.open() as connection:
        ids, hashes = _hashes(loader, connection, number, gone_objects)
        connection.execute("begin")
        connection.execute(
            f"update core.message set content_hash = null where message_id >> {SLICE_BITS} = ?",
            [number],
        )
        texts = [row.tobytes().hex() for row in hashes]
        table = pa.table({"message_id": integers(ids), "hash": pa.array(texts, pa.string())})
        connection.register("new_hashes", table)
        connection.execute(
            "update core.message set content_hash = cast(new_hashes.hash as uuid) from new_hashes "
            "where message.message_id = new_hashes.message_id"
        )
        connection.unregister("new_hashes")
        connection.execute("delete from core.warehouse where name = ?", [PROGRESS])
        connection.execute("insert into core.warehouse values (?, ?)", [PROGRESS, str(number)])
        query = (
            "select count(*) from core.message "
            f"where message_id >> {SLICE_BITS} = ? and content_hash is null"
        )
        gone = int(connection.execute(query, [number]).fetchall()[0][0])
        commit(connection, loader.settings.home)
    loader.progress("hashed", len(ids), 0)
    return len(ids), gone, gone_objects


def _hashes(
    loader: Loader, connection: duckdb.DuckDBPyConnection, number: int, gone: set[str]
) -> tuple[npt.NDArray[np.int64], Hashes]:
    """Message ids and content hashes of what can be read; objects that cannot go to `gone`."""
    runs = []
    for run, ids in runs_of_slice(loader, connection, number, gone):
        try:
            loader.landing.open_reader(run.object_id).close()
        except PermanentError:
            gone.add(run.object_id)
        else:
            runs.append((run, ids))
    ids_of = {id(run): ids for run, ids in runs}
    found, hashes = [np.empty(0, np.int64)], [np.empty((0, 2), np.uint64)]
    for unit, result in loader.reading.read(list(gather_units(run for run, _ in runs))):
        is_readable = result.status != Status.QUARANTINED
        found.append(np.concatenate([ids_of[id(run)] for run in unit.runs])[is_readable])
        hashes.append(result.hashes[is_readable])
    return np.concatenate(found), np.concatenate(hashes)
