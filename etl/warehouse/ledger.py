"""The ledger: what was taken from which landed object, what became of it, which numbers come next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from etl.records import About

NEXT_MESSAGE_ID = "next_message_id"
QUARANTINE_FLOOR = "quarantine_floor"


@dataclass(frozen=True, slots=True)
class LandedRow:
    """One row of core.landed_object."""

    object_id: str
    uri: str
    size_bytes: int
    item_count: int
    separator_bytes: int
    torn_bytes: int
    unwrap: str
    in_place: bool
    landed_at: datetime
    purged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PartRow:
    """What became of a run of items of one landed object."""

    object_id: str
    first_item: int
    item_count: int
    loaded: int
    duplicate: int
    quarantined: int
    purged: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One item of known content: where its bytes are, and its content hash (16 bytes as hex)."""

    object_id: str
    item: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class PurgedRow:
    """One item whose bytes are to be overwritten; `is_erased` where they are already."""

    object_id: str
    item: int
    byte_offset: int
    byte_length: int
    is_erased: bool = False


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One item that is not a loadable message."""

    object_id: str
    item: int
    byte_offset: int
    byte_length: int
    reason: str
    received_at: datetime | None
    about: About | None = None


@dataclass(frozen=True, slots=True)
class LoadRow:
    """The totals of one load."""

    load_id: int
    kind: str
    started_at: datetime
    bytes: int
    received: int
    replayed: int
    loaded: int
    duplicate: int
    quarantined: int
    catalog_hash: str
    purged: int = 0


def items_taken(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many items, counted from the first, earlier loads took of each landed object.

    An object without items is on record too: 0 were taken, and nothing is left to take.
    """
    query = (
        "select object_id, coalesce(max(part.first_item + part.item_count), 0) "
        "from core.landed_object left join core.load_part part using (object_id) group by object_id"
    )
    return dict(connection.execute(query).fetchall())


def next_load_id(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of the next load."""
    return _one(connection, "select coalesce(max(load_id), 0) + 1 from core.load")


def next_message_id(connection: duckdb.DuckDBPyConnection) -> int:
    """The first message_id never given; survives deletion of messages."""
    query = f"select coalesce(max(value::bigint), 0) from core.warehouse where name = '{NEXT_MESSAGE_ID}'"
    return _one(connection, query)


def set_next_message_id(connection: duckdb.DuckDBPyConnection, message_id: int) -> None:
    """Move the high-water mark."""
    connection.execute("delete from core.warehouse where name = ?", [NEXT_MESSAGE_ID])
    connection.execute("insert into core.warehouse values (?, ?)", [NEXT_MESSAGE_ID, message_id])


def set_quarantine_floor(connection: duckdb.DuckDBPyConnection, quarantine_id: int) -> None:
    """Number items in quarantine above this one, wherever it was given."""
    connection.execute("delete from core.warehouse where name = ?", [QUARANTINE_FLOOR])
    connection.execute(
        "insert into core.warehouse values (?, ?)", [QUARANTINE_FLOOR, quarantine_id]
    )


def _next_quarantine_id(connection: duckdb.DuckDBPyConnection) -> int:
    query = (
        "select greatest((select coalesce(max(quarantine_id), 0) from core.quarantine), "
        "(select coalesce(max(value::bigint), 0) from core.warehouse "
        f"where name = '{QUARANTINE_FLOOR}')) + 1"
    )
    return _one(connection, query)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    rows = connection.execute(query).fetchall()  # all, or the result stays open
    return int(rows[0][0]) if rows else 0


def known_hashes(connection: duckdb.DuckDBPyConnection, hashes: bytes) -> set[bytes]:
    """Those of the content hashes (16 bytes each) whose content is already loaded."""
    return _hashes_in(connection, "core.message", hashes)


def purged_hashes(connection: duckdb.DuckDBPyConnection, hashes: bytes) -> set[bytes]:
    """Those of the content hashes (16 bytes each) whose content was purged."""
    return _hashes_in(connection, "core.purged_content", hashes)


def _hashes_in(connection: duckdb.DuckDBPyConnection, table: str, hashes: bytes) -> set[bytes]:
    if not hashes or _one(connection, f"select count(*) from {table}") == 0:
        return set()
    texts = hashes.hex()
    count = len(texts) // 32
    ends = np.arange(count + 1, dtype=np.int32) * np.int32(32)
    column = pa.Array.from_buffers(
        pa.string(), count, [None, pa.py_buffer(ends), pa.py_buffer(texts.encode())]
    )
    connection.register("asked_hashes", pa.table({"content_hash": column}))
    query = (
        f"select replace(cast(known.content_hash as varchar), '-', '') from {table} known "
        "semi join (select cast(content_hash as uuid) content_hash from asked_hashes) "
        "using (content_hash)"
    )
    found = connection.execute(query).fetchall()
    connection.unregister("asked_hashes")
    return {bytes.fromhex(row[0]) for row in found}


def record_objects(connection: duckdb.DuckDBPyConnection, rows: Sequence[LandedRow]) -> None:
    """Add landed objects that are not yet on record."""
    new = "where object_id not in (select object_id from core.landed_object)"
    _insert(connection, "core.landed_object", [_values(row) for row in rows], new)


def record_load(
    connection: duckdb.DuckDBPyConnection,
    load: LoadRow,
    parts: Sequence[PartRow],
    quarantined: Sequence[QuarantineRow],
    finished_at: datetime,
) -> None:
    """Write one load into the ledger, in the caller's transaction."""
    totals = (load.bytes, load.received, load.replayed, load.loaded, load.duplicate)
    row = (load.load_id, load.kind, load.started_at, finished_at, *totals, load.quarantined)
    _insert(connection, "core.load", [(*row, load.catalog_hash, load.purged)])
    _insert(connection, "core.load_part", [(load.load_id, *_values(part)) for part in parts])
    first = _next_quarantine_id(connection)
    _insert(
        connection,
        "core.quarantine",
        [
            (
                first + index,
                load.load_id,
                item.object_id,
                item.item,
                item.byte_offset,
                item.byte_length,
                item.reason,
                "open",
                item.received_at,
                finished_at,
                None,
                None,
                item.about.data_model if item.about else None,
                item.about.source_id if item.about else None,
            )
            for index, item in enumerate(quarantined)
        ],
    )


def record_duplicates(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[DeliveryRow], load_id: int | None
) -> None:
    """Note where deliveries of known content are, in the caller's transaction."""
    if not rows:
        return
    columns = [list(column) for column in zip(*(_values(row) for row in rows), strict=True)]
    connection.execute(
        "insert into core.duplicate_delivery "
        "select delivery.object_id, delivery.item, message.message_id, ? from ("
        "select unnest(?::varchar[]) as object_id, unnest(?::bigint[]) as item, "
        "cast(unnest(?::varchar[]) as uuid) as content_hash) as delivery "
        "join core.message using (content_hash)",
        [load_id, *columns],
    )


def record_purged(
    connection: duckdb.DuckDBPyConnection,
    rows: Sequence[PurgedRow],
    *,
    purge_id: int | None = None,
    load_id: int | None = None,
    now: datetime,
) -> None:
    """Note items whose bytes are to be overwritten, in the caller's transaction."""
    _insert(
        connection,
        "core.purged_item",
        [
            (
                row.object_id,
                row.item,
                row.byte_offset,
                row.byte_length,
                purge_id,
                load_id,
                now if row.is_erased else None,
            )
            for row in rows
        ],
        "where (object_id, item) not in (select (object_id, item) from core.purged_item)",
    )


_WHOLLY_PURGED = """
update core.landed_object set uri = '', purged_at = ?
from (
    select object_id, count(*) as items from core.purged_item where item >= 0 group by object_id
) as purged
where purged.object_id = landed_object.object_id
  and purged.items >= landed_object.item_count
  and landed_object.purged_at is null
"""


def mark_wholly_purged(connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Note which landed objects have lost every item, in the caller's transaction."""
    connection.execute(_WHOLLY_PURGED, [now])


def purged_objects(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The landed objects of which nothing is kept, because every item was purged."""
    query = "select object_id from core.landed_object where purged_at is not null"
    columns = {row[0] for row in connection.execute("describe core.landed_object").fetchall()}
    if "purged_at" not in columns:  # made by a release before; the next commit adds it
        return frozenset()
    return frozenset(row[0] for row in connection.execute(query).fetchall())


def settle_quarantined(
    connection: duckdb.DuckDBPyConnection,
    items: Sequence[tuple[str, int]],
    load_id: int,
    now: datetime,
) -> None:
    """Mark open quarantined items as replayed; they stay on record."""
    connection.execute(
        "update core.quarantine set state = 'replayed', resolved_at = ?, resolved_load_id = ? "
        "from (select unnest(?::varchar[]) as object_id, unnest(?::bigint[]) as item) as settled "
        "where quarantine.object_id = settled.object_id and quarantine.item = settled.item "
        "and state = 'open'",
        [now, load_id, [object_id for object_id, _ in items], [item for _, item in items]],
    )


def _values(row: LandedRow | PartRow | DeliveryRow) -> tuple[Any, ...]:
    return tuple(getattr(row, field.name) for field in fields(row))


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: Sequence[tuple[Any, ...]],
    condition: str = "",
) -> None:
    """Insert rows, a list per column: in one statement, as one for each row takes a millisecond."""
    if not rows:
        return
    described = connection.execute(f"describe {table}").fetchall()
    columns = ", ".join(f"unnest(?::{kind}[]) as {name}" for name, kind, *_ in described)
    connection.execute(
        f"insert into {table} select * from (select {columns}) {condition}",
        [list(column) for column in zip(*rows, strict=True)],
    )
