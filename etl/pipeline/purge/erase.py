"""Overwrites the landed bytes of what was purged, or refused because it was purged before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from etl.landing.bundle import Erasure
from etl.pipeline.writer import Writer
from etl.warehouse import ledger

_PENDING = """
select
    purged.object_id, purged.item, purged.byte_offset, purged.byte_length,
    coalesce(object.uri = '', false), coalesce(object.purged_at is not null, false)
from core.purged_item as purged
left join core.landed_object as object using (object_id)
where purged.erased_at is null
"""
_DONE = """
update core.purged_item set erased_at = ? where erased_at is null and object_id in (
    select unnest(?::varchar[])
)
"""


def erase_pending(loader: Writer) -> int:
    """Overwrite all bytes that are still to be overwritten; gives how many objects they were in.

    The warehouse is locked before and after, not meanwhile. Killed anywhere, the next call does
    what is left; doing an object twice changes nothing.
    """
    with loader.writing(), loader.open() as connection:
        connection.execute("begin")
        ledger.mark_wholly_purged(connection, loader.clock())
        rows = connection.execute(_PENDING).fetchall()
        connection.execute("commit")
    ranges: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    nameless, whole = set(), set()
    for object_id, item, offset, length, is_nameless, is_whole in rows:
        ranges[object_id][item] = (offset, length)
        nameless |= {object_id} if is_nameless else set()
        whole |= {object_id} if is_whole else set()
    loader.landing.erase(
        {
            object_id: Erasure(own, forget_uri=object_id in nameless, is_whole=object_id in whole)
            for object_id, own in sorted(ranges.items())
        }
    )
    if ranges:
        _mark(loader, ranges)
    return len(ranges)


def _mark(loader: Writer, object_ids: Iterable[str]) -> None:
    with loader.writing(), loader.open() as connection:
        connection.execute("begin")
        connection.execute(_DONE, [loader.clock(), list(object_ids)])
        connection.execute("commit")
