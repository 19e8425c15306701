"""Objects that may have been read by the wrong recipe: which envelope key leads to their messages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import duckdb

from etl.errors import PermanentError, WarehouseBusy
from etl.pipeline.load import Loader
from etl.pipeline.received import text_of_item
from etl.pipeline.records import LoadSummary
from etl.settings import Settings
from etl.sources.envelope_keys import find_key
from etl.warehouse.connection import open_warehouse, read_lock

ENVELOPED: Final = frozenset(("no_meta", "bad_envelope", "not_object", "several_messages"))
"""Reasons of items that may be envelopes of messages."""
MOST_LOOKED_INTO: Final = 20
"""So many objects are looked into, one item of each: files of one export are alike."""


@dataclass(frozen=True, slots=True)
class Misread:
    """Known objects whose items are all in quarantine, and the keys that lead to messages."""

    skipped_objects: int = 0
    keys: tuple[str, ...] = ()


def find_misread(loader: Loader, loaded: LoadSummary, skipped_ids: Sequence[str]) -> Misread:
    """Look at what a load quarantined, and at the known objects of one that loaded nothing."""
    skipped_ids = [] if loaded.loaded else skipped_ids
    path = loader.settings.warehouse_path
    if not (loaded.quarantined or skipped_ids) or not path.exists():
        return Misread()
    with (
        suppress(WarehouseBusy),
        read_lock(path, wait_s=0),
        open_warehouse(path, read_only=True) as connection,
    ):
        skipped = _all_quarantined(connection, skipped_ids)
        items = _first_items(connection, loaded.load_ids, skipped)
        keys = find_keys(loader, connection, items)
        return Misread(len(skipped), tuple(sorted(set(keys.values()) - {""})))
    return Misread()


def find_keys(
    loader: Loader, connection: duckdb.DuckDBPyConnection, items: Sequence[tuple[str, int]]
) -> dict[str, str]:
    """The key under which the first of these items of each object holds messages, by object."""
    first: dict[str, int] = {}
    for object_id, item in items:
        if object_id in first or len(first) < MOST_LOOKED_INTO:
            first[object_id] = min(item, first.get(object_id, item))
    query = (
        "select object_id, unwrap from core.landed_object "
        "where object_id in (select unnest(cast(? as varchar[])))"
    )
    recipes = dict(connection.execute(query, [list(first)]).fetchall())
    return {
        object_id: _find_key(loader, object_id, item, recipes.get(object_id, ""))
        for object_id, item in first.items()
    }


def _find_key(loader: Loader, object_id: str, item: int, recipe: str) -> str:
    try:
        return find_key(text_of_item(loader.landing, object_id, item, recipe))
    except PermanentError:
        return ""


def _all_quarantined(connection: duckdb.DuckDBPyConnection, object_ids: Sequence[str]) -> list[str]:
    """Those of the objects that have open items and no message."""
    query = (
        "select distinct object_id from core.quarantine where state = 'open' "
        "and object_id in (select unnest(cast(? as varchar[]))) "
        "and object_id not in (select object_id from core.message)"
    )
    return [row[0] for row in connection.execute(query, [list(object_ids)]).fetchall()]


def _first_items(
    connection: duckdb.DuckDBPyConnection, load_ids: Sequence[int], object_ids: Sequence[str]
) -> list[tuple[str, int]]:
    """The first open item that may be an envelope, of each object of the loads or named."""
    query = (
        "select object_id, min(item) from core.quarantine where state = 'open' "
        "and reason in (select unnest(cast(? as varchar[]))) "
        "and (load_id in (select unnest(cast(? as bigint[]))) "
        "or object_id in (select unnest(cast(? as varchar[])))) "
        f"group by object_id order by object_id limit {MOST_LOOKED_INTO}"
    )
    values = [sorted(ENVELOPED), list(load_ids), list(object_ids)]
    return connection.execute(query, values).fetchall()


def count_misread(settings: Settings, recipe: str, object_ids: Sequence[str]) -> int:
    """Return how many of the objects have open items, loaded by another recipe; 0 while busy."""
    query = (
        "select count(distinct object_id) from core.quarantine "
        "join core.landed_object using (object_id) where state = 'open' and unwrap <> ? "
        "and object_id in (select unnest(cast(? as varchar[]))) "
        "and object_id not in (select object_id from core.message)"
    )
    path = settings.warehouse_path
    with (
        suppress(WarehouseBusy),
        read_lock(path, wait_s=0),
        open_warehouse(path, read_only=True) as connection,
    ):
        return int(connection.execute(query, [recipe, list(object_ids)]).fetchall()[0][0])
    return 0
