"""Quarantine from the outside: list it, look at its bytes, try it again, close it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
import numpy as np

from etl.encodings import known_encoding
from etl.errors import UsageFault
from etl.framing.frames import ITEM, NO_TIME
from etl.pipeline.load import Loader
from etl.pipeline.misread import ENVELOPED, find_keys
from etl.pipeline.received import received_item
from etl.pipeline.recipes import recipes_to_try, set_recipes
from etl.pipeline.records import LoadSummary
from etl.pipeline.status import write_status
from etl.pipeline.units import Run, gather_units
from etl.report.names import SHOWN_SOURCE
from etl.sources.recipe import Recipe
from etl.warehouse.connection import open_warehouse, read_lock


@dataclass(frozen=True, slots=True)
class QuarantinedItem:
    """One item on record; `state` is open, replayed or resolved.

    `data_model` and `source_id` are what it says of itself, `*` where that does not look like a name.
    `uri` is that of its source, which may hold a patient's name; `unwrap` is the key under which it
    holds messages, where one was found.
    """

    quarantine_id: int
    reason: str
    state: str
    object_id: str
    item: int
    byte_offset: int
    byte_length: int
    received_at: datetime | None
    quarantined_at: datetime
    data_model: str
    source_id: str
    uri: str
    unwrap: str = ""


READ_WAIT_S = 60.0
SHOWN_MODEL = "(FHIR )?[A-Za-z][A-Za-z0-9._-]{0,63}"


def _shown(column: str, pattern: str) -> str:
    """A name as it may be printed: what does not look like one may hold anything and is *."""
    fits = f"regexp_full_match({column}, '{pattern}')"
    return f"case when {fits} then {column} when {column} <> '' then '*' else '' end"


_ITEMS = "core.quarantine left join core.landed_object using (object_id)"
_COLUMNS = (
    "quarantine_id, reason, state, object_id, item, byte_offset, byte_length, received_at, "
    f"quarantined_at, {_shown('data_model', SHOWN_MODEL)}, {_shown('source_id', SHOWN_SOURCE)}, uri"
)


def list_quarantined(
    loader: Loader, *, states: Sequence[str] = ("open",), reason: str = "", limit: int = 1000
) -> list[QuarantinedItem]:
    """Items on record, the newest first."""
    marks = ", ".join("?" * len(states))
    query = (
        f"select {_COLUMNS} from {_ITEMS} where state in ({marks}) and (? = '' or reason = ?) "
        "order by quarantine_id desc limit ?"
    )
    with reading(loader) as connection:
        rows = connection.execute(query, [*states, reason, reason, limit]).fetchall()
        items = [QuarantinedItem(*row) for row in rows]
        return _with_keys(loader, connection, items)


def _with_keys(
    loader: Loader, connection: duckdb.DuckDBPyConnection, items: Sequence[QuarantinedItem]
) -> list[QuarantinedItem]:
    """The items with the key under which each holds messages."""
    enveloped = [item for item in items if item.reason in ENVELOPED]
    keys = find_keys(loader, connection, [(item.object_id, item.item) for item in enveloped])
    return [
        replace(item, unwrap=keys.get(item.object_id, "")) if item.reason in ENVELOPED else item
        for item in items
    ]


def quarantined_bytes(loader: Loader, quarantine_id: int) -> bytes:
    """The bytes of an item exactly as received."""
    query = f"select object_id, item, unwrap from {_ITEMS} where quarantine_id = ?"
    with reading(loader) as connection:
        row = connection.execute(query, [quarantine_id]).fetchone()
    if row is None:
        raise UsageFault(
            f"There is no quarantined item {quarantine_id}; see `redox-warehouse quarantine list`."
        )
    return received_item(loader.landing, *row)


def replay(
    loader: Loader,
    quarantine_ids: Sequence[int] = (),
    *,
    unwrap: str = "",
    encoding: str = "",
) -> LoadSummary:
    """Try open items again, all of them or these, through the same path as any load.

    `unwrap` is tried as the envelope key of objects of which no message is loaded, `encoding` on
    items that are not UTF-8; the objects keep them where they lead to a message.
    """
    started_at = loader.clock()
    with _changing(loader) as connection:
        loader.prepare(connection)
        _check_open(connection, quarantine_ids)
        connection.execute("begin")
        tried = Recipe(unwrap, known_encoding(encoding))
        chosen = _chosen(quarantine_ids)
        earlier = set_recipes(connection, recipes_to_try(connection, tried, chosen))
        units = list(gather_units(_runs(connection, quarantine_ids)))
        if not units:
            return LoadSummary()
        summary = loader.take_again(connection, units, earlier=earlier, started_at=started_at)
        write_status(connection, loader.settings, loader.clock())
    return summary


def resolve(loader: Loader, quarantine_ids: Sequence[int]) -> int:
    """Close open items as not to be loaded; they stay on record. Gives how many were closed.

    They still count as quarantined in the ledger's total, so that it goes on adding up.
    """
    with _changing(loader) as connection:
        _check_open(connection, quarantine_ids)
        closed = loader.close_items(connection, quarantine_ids)
        write_status(connection, loader.settings, loader.clock())
    return closed


def _check_open(connection: duckdb.DuckDBPyConnection, quarantine_ids: Sequence[int]) -> None:
    query = (
        "select number from (select unnest(cast(? as bigint[])) as number) where number not in "
        "(select quarantine_id from core.quarantine where state = 'open') order by 1"
    )
    unknown = [str(row[0]) for row in connection.execute(query, [list(quarantine_ids)]).fetchall()]
    if unknown:
        raise UsageFault(
            f"No open item in quarantine is number {', '.join(unknown)}; "
            "see `redox-warehouse quarantine list --state all`."
        )


def _chosen(quarantine_ids: Sequence[int]) -> str:
    numbers = ", ".join(str(int(number)) for number in quarantine_ids)
    return f"state = 'open' and {f'quarantine_id in ({numbers})' if numbers else 'true'}"


def _runs(connection: duckdb.DuckDBPyConnection, quarantine_ids: Sequence[int]) -> Iterator[Run]:
    query = (
        "select q.object_id, o.unwrap, o.landed_at, q.item, q.byte_offset, q.byte_length, "
        "q.received_at from core.quarantine q join core.landed_object o using (object_id) "
        f"where {_chosen(quarantine_ids)} order by quarantine_id"
    )
    for object_id, unwrap, landed_at, item, offset, length, received_at in connection.execute(
        query
    ).fetchall():
        received_us = NO_TIME if received_at is None else int(received_at.timestamp() * 1_000_000)
        yield Run(
            object_id=object_id,
            unwrap=unwrap,
            fallback_day=int(landed_at.timestamp() // 86_400),
            first_item=item,
            offset=np.asarray([offset], dtype=np.int64),
            length=np.asarray([length], dtype=np.int64),
            kind=np.asarray([ITEM], dtype=np.int8),
            received_at_us=np.asarray([received_us], dtype=np.int64),
        )


@contextmanager
def _changing(loader: Loader) -> Iterator[duckdb.DuckDBPyConnection]:
    _check_exists(loader)
    with loader.writing(), loader.open() as connection:
        yield connection


def _check_exists(loader: Loader) -> None:
    if not loader.settings.warehouse_path.exists():
        raise UsageFault("There is no warehouse yet; run `redox-warehouse load` first.")


@contextmanager
def reading(loader: Loader) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the warehouse, while nobody writes."""
    _check_exists(loader)
    path = loader.settings.warehouse_path
    with read_lock(path, wait_s=READ_WAIT_S), open_warehouse(path, read_only=True) as connection:
        yield connection
