"""Reads stored messages once more, to know what they add to the counts.

From their landed bytes, or where those are not here any more from the tables, which hold every
populated value. And completes the record of where deliveries of known content are, for what earlier
releases loaded: an item that is no message, not in quarantine and not purged was a duplicate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from etl.errors import PermanentError, RedoxWarehouseError
from etl.framing.frames import NO_TIME
from etl.kernel._reader import PADDING
from etl.kernel.numbering import NOT_LOADED
from etl.kernel.run import Items, Status, UnitResult, run
from etl.kernel.settle import Origin, Settling
from etl.pipeline.load import Loader
from etl.pipeline.reload import Integers, runs_of, runs_of_items
from etl.pipeline.units import Unit, gather_units
from etl.plurals import counted
from etl.warehouse import ledger
from etl.warehouse.identity import commit
from etl.warehouse.lake import LakeFolder
from etl.warehouse.rebuild import rebuild_messages

COUNTS = (
    "quality.message_count",
    "quality.path_count",
    "quality.finding_count",
    "quality.unsupported_value",
)
_REBUILT_AT_ONCE = 500
_INCOMPLETE = """
with known as (
    select object_id, item from core.message
    union
    select object_id, item from core.duplicate_delivery
    union
    select object_id, item from core.quarantine where state <> 'replayed'
    union
    select object_id, item from core.purged_item where item >= 0
),
counted as (
    select object_id, count(*) as items, list(item) as known from known group by object_id
),
taken as (
    select object_id, max(first_item + item_count) as items from core.load_part group by object_id
)
select object.object_id, object.unwrap, taken.items, coalesce(counted.known, [])
from core.landed_object as object
join taken on taken.object_id = object.object_id
left join counted on counted.object_id = object.object_id
where coalesce(counted.items, 0) < taken.items and object.purged_at is null
order by object.object_id
"""


def count(
    loader: Loader, connection: duckdb.DuckDBPyConnection, condition: str
) -> dict[str, list[pa.Table]]:
    """What the messages `m` of core.message that meet a condition add to each table of counts."""
    settling = Settling(loader.compiled)
    for result, ids in _read(loader, connection, condition):
        own = np.where(result.status == Status.QUARANTINED, NOT_LOADED, ids)
        nowhere = Origin(("",), np.zeros(len(own), np.int32), np.zeros(len(own), np.int64))
        for _ in settling.settle(result, own, nowhere):
            pass  # rows are not wanted, but their making counts
    counted: dict[str, list[pa.Table]] = defaultdict(list)
    for name, rows in settling.finish():
        counted[name].append(rows)
    return counted


def _read(
    loader: Loader, connection: duckdb.DuckDBPyConnection, condition: str
) -> Iterator[tuple[UnitResult, Integers]]:
    gone: set[str] = set()
    readable: dict[str, bool] = {}
    runs = []
    for own, ids in runs_of(loader, connection, condition, gone):
        if own.object_id not in readable:
            readable[own.object_id] = is_readable(loader, own.object_id)
        if readable[own.object_id]:
            runs.append((own, ids))
    gone |= {object_id for object_id, is_there in readable.items() if not is_there}
    ids_of = {id(own): ids for own, ids in runs}
    units = list(gather_units(own for own, _ in runs))
    for unit, result in loader.reading.read(units):
        yield result, _ids(unit, ids_of)
    if gone and LakeFolder(loader.settings.home).is_there():
        raise PermanentError(
            f"Landed bytes of {counted(len(gone), 'object')} are missing, so their messages "
            "cannot be subtracted from the counts; restore HOME/landing from a backup, then run it again."
        )
    if gone:
        yield from _rebuilt(loader, connection, condition, sorted(gone))


def _ids(unit: Unit, ids_of: dict[int, Integers]) -> Integers:
    return np.concatenate([ids_of[id(own)] for own in unit.runs])


def is_readable(loader: Loader, object_id: str) -> bool:
    try:
        loader.landing.open_reader(object_id).close()
    except (RedoxWarehouseError, OSError):
        return False
    return True


def _rebuilt(
    loader: Loader, connection: duckdb.DuckDBPyConnection, condition: str, gone: Sequence[str]
) -> Iterator[tuple[UnitResult, Integers]]:
    query = (
        "select m.message_id, m.received_at, o.landed_at "
        "from core.message m join core.landed_object o using (object_id) "
        f"where ({condition}) and m.object_id in (select unnest(?::varchar[])) order by 1"
    )
    rows = connection.execute(query, [list(gone)]).fetchall()
    for start in range(0, len(rows), _REBUILT_AT_ONCE):
        some = rows[start : start + _REBUILT_AT_ONCE]
        texts = rebuild_messages(connection, loader.compiled.plan, [row[0] for row in some])
        yield run(_items(some, texts), loader.compiled), np.asarray([row[0] for row in some])


def _items(rows: Sequence[tuple[Any, ...]], texts: dict[int, str]) -> Items:
    contents = [texts[row[0]].encode("utf-8", "surrogatepass") for row in rows]
    length = np.asarray([len(content) for content in contents], np.int64)
    received = [NO_TIME if at is None else int(at.timestamp() * 1_000_000) for _, at, _ in rows]
    days = [int(landed.timestamp() // 86_400) for _, _, landed in rows]
    return Items(
        content=b"".join([*contents, bytes(PADDING)]),
        offset=np.cumsum(length) - length,
        length=length,
        received_at_us=np.asarray(received, np.int64),
        fallback_day=np.asarray(days, np.int32),
    )


def complete_deliveries(loader: Loader) -> int:
    """Find what is not on record; gives how many deliveries were found.

    The caller holds the write lock. What cannot be read is left out: there are no bytes of it.
    """
    with loader.open() as connection:
        loader.prepare(connection)
        found: list[ledger.DeliveryRow] = []
        for object_id, unwrap, taken, known in connection.execute(_INCOMPLETE).fetchall():
            if loader.landing.has(object_id) and is_readable(loader, object_id):
                items = np.setdiff1d(np.arange(taken), np.asarray(known, np.int64))
                found += _hash_items(loader, object_id, unwrap, items)
        connection.execute("begin")
        ledger.record_duplicates(connection, found, None)
        commit(connection, loader.settings.home)
    return len(found)


def _hash_items(
    loader: Loader, object_id: str, unwrap: str, items: npt.NDArray[np.int64]
) -> list[ledger.DeliveryRow]:
    runs = [run for run, _ in runs_of_items(loader, object_id, unwrap, items, items)]
    found = []
    for unit, result in loader.reading.read(list(gather_units(runs))):
        places = np.concatenate(
            [np.arange(run.first_item, run.first_item + len(run)) for run in unit.runs]
        )
        for index in np.flatnonzero(result.status != Status.QUARANTINED).tolist():
            content = result.hashes[index].tobytes().hex()
            found.append(ledger.DeliveryRow(object_id, int(places[index]), content))
    return found
