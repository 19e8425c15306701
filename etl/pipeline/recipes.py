"""By which recipe the items of a landed object are read: tried again by a replay, kept where it leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from etl.sources.recipe import Recipe


def recipes_to_try(
    connection: duckdb.DuckDBPyConnection, tried: Recipe, chosen: str
) -> dict[str, str]:
    """The recipe to try, by object of the chosen items in quarantine (a condition in SQL).

    Never another key where a message needs the old one.
    """
    query = (
        "select object_id, unwrap, object_id in (select object_id from core.message) "
        "from core.landed_object where object_id in "
        f"(select object_id from core.quarantine where {chosen})"
    )
    recipes: dict[str, str] = {}
    for object_id, text, is_needed in connection.execute(query).fetchall():
        old = Recipe.from_text(text)
        new = old if is_needed or not tried.unwrap else replace(old, unwrap=tried.unwrap)
        recipes[object_id] = replace(new, encoding=tried.encoding or old.encoding).to_text()
    return recipes


def set_recipes(
    connection: duckdb.DuckDBPyConnection, recipes: Mapping[str, str]
) -> dict[str, str]:
    """Give objects these recipes; gives those that the changed ones had."""
    query = "select object_id, unwrap from core.landed_object where object_id in (select unnest(?))"
    rows = connection.execute(query, [list(recipes)]).fetchall() if recipes else []
    earlier = {name: text for name, text in rows if text != recipes[name]}
    for object_id in earlier:
        _set(connection, object_id, recipes[object_id])
    return earlier


def put_recipes_back(connection: duckdb.DuckDBPyConnection, earlier: Mapping[str, str]) -> None:
    """Where the new recipe led to no message, the old one may still be right."""
    query = "select distinct object_id from core.quarantine where state = 'replayed'"
    replayed = {object_id for (object_id,) in connection.execute(query).fetchall()}
    for object_id, text in earlier.items():
        if object_id not in replayed:
            _set(connection, object_id, text)


def close_items(
    connection: duckdb.DuckDBPyConnection, quarantine_ids: Sequence[int], at: object
) -> int:
    """Close open items as not to be loaded, in the caller's transaction; gives how many."""
    query = (
        "update core.quarantine set state = 'resolved', resolved_at = ? "
        "where quarantine_id in (select unnest(cast(? as bigint[]))) and state = 'open' returning 1"
    )
    return len(connection.execute(query, [at, list(quarantine_ids)]).fetchall())


def _set(connection: duckdb.DuckDBPyConnection, object_id: str, text: str) -> None:
    query = "update core.landed_object set unwrap = ? where object_id = ?"
    connection.execute(query, [text, object_id]).fetchall()
