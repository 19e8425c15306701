"""Changes of what a lake holds already: replays, closed items, slices made again, each one version.

The caller has the write lock and a connection to the book, which is up to the newest version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import duckdb

from etl.errors import TransientError
from etl.lake.entering import finish_load, finish_reload, finish_resolve
from etl.lake.pending import Pending, number
from etl.lake.rewrite import of_slice, rewrite_without
from etl.lake.work import Integers, placed, plan_of
from etl.lake.writer import LakeWriter
from etl.pipeline.records import LoadSummary
from etl.pipeline.transaction import REPLAY, require_loadable
from etl.pipeline.units import Unit
from etl.warehouse.lake import Kind, LakeVersion, carry
from models.tables.plan import SLICE_BITS

Connection = duckdb.DuckDBPyConnection


def take_again(
    loader: LakeWriter,
    connection: Connection,
    units: Sequence[Unit],
    *,
    earlier: Mapping[str, str],
    started_at: datetime,
) -> LoadSummary:
    """Load units of quarantined items as one version, in the transaction that is open."""
    plans = tuple(plan_of(unit, as_items=True) for unit in units)
    pending = Pending(tuple(units), plans, tuple(loader.identify(units, plans)), started_at)
    transaction = loader.begin(connection, kind=REPLAY)
    first_id = transaction.next_message_id
    files = loader.write(units, number(connection, transaction, pending))
    version = replace(
        loader.new_version(connection, Kind.REPLAY, pending, files),
        load_id=transaction.load_id,
        first_message_id=first_id,
        next_message_id=transaction.next_message_id,
    )
    _put(loader, connection, version)
    return finish_load(loader, connection, transaction, version, pending, earlier=earlier)


def replace_slice(
    loader: LakeWriter,
    connection: Connection,
    slice_number: int,
    own: Sequence[tuple[Unit, Integers]],
    *,
    started_at: datetime,
) -> int:
    """Make the rows of a slice again as one version that drops the files which held them.

    Files that hold messages of other slices too are written again without this one's.
    """
    units = tuple(unit for unit, _ in own)
    ids = tuple(ids for _, ids in own)
    plans = tuple(plan_of(unit) for unit in units)
    results = tuple(loader.identify(units, plans))
    for result in results:
        require_loadable(result)
    pending = Pending(units, plans, results, started_at, ids=ids)
    files = loader.write(
        units,
        [placed(*one) for one in zip(plans, ids, (one.hashes for one in results), strict=True)],
    )
    gone = of_slice(slice_number << SLICE_BITS, (slice_number + 1) << SLICE_BITS)
    rewritten = list(rewrite_without(loader.lake, loader.held(connection), gone))
    version = replace(
        loader.new_version(connection, Kind.RELOAD, pending, files),
        dropped=tuple(sorted(one.old.file.file for one in rewritten)),
        carried=carry(one.new for one in rewritten if one.new),
        slice=slice_number,
    )
    connection.execute("begin")
    _put(loader, connection, version)
    return finish_reload(loader, connection, version, pending)


def close_items(loader: LakeWriter, connection: Connection, quarantine_ids: Sequence[int]) -> int:
    """Close quarantined items as one version; gives how many were open."""
    pending = Pending((), (), (), loader.clock())
    version = loader.new_version(connection, Kind.RESOLVE, pending, ())
    version = replace(version, resolved=tuple(quarantine_ids))
    connection.execute("begin")
    _put(loader, connection, version)
    return finish_resolve(loader, connection, version)


def _put(loader: LakeWriter, connection: Connection, version: LakeVersion) -> None:
    if not loader.put(connection, version):
        raise TransientError(
            "Another driver has changed the lake meanwhile, nothing was changed here; run the "
            "command again."
        )
