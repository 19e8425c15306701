"""Completes the record of where deliveries of known content are, for what earlier releases loaded.

An item that is no message, not in quarantine and not purged was a duplicate; its bytes are hashed
again to know of which message.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from etl.kernel.run import Status
from etl.pipeline.load import Loader
from etl.pipeline.purge.observe import is_readable
from etl.pipeline.reload import runs_of_items
from etl.pipeline.units import gather_units
from etl.warehouse import ledger
from etl.warehouse.identity import commit

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
