"""Compiled views, and how places of messages become their rows: typed columns, null where there is none.

Which views there are, and over which places, is known to the modules that compile them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from etl.marts.mentions import Mention
from models.tables.plan import Storage

Columns = tuple[tuple[str, str, str], ...]
"""Name, type, and the path below the place that holds it."""


@dataclass(frozen=True, slots=True)
class CompiledView:
    """A view without a file: its qualified name, its text with the header of all views."""

    name: str
    select: str


def project(mention: Mention, columns: Columns, more: Columns) -> str:
    """One row per place; null where the data model has no such column."""
    listing = [f"o.message_id, {mention.position('o')} as path"]
    for name, kind, below in columns:
        listing.append(f"cast({_value(mention, below, kind)} as {kind}) as {name}")
    listing += [f"cast({expression} as {kind}) as {name}" for name, kind, expression in more]
    return f"select {', '.join(listing)} from {mention.table.qualified_name} as o"


def _value(mention: Mention, below: str, kind: str) -> str:
    """The column that holds a path; a whole number as text without a point."""
    column = next((c for c in mention.table.columns if c.path == f"{mention.path}.{below}"), None)
    if column is None:
        return "null"
    if kind == "VARCHAR" and column.storage is Storage.DOUBLE:
        return f"regexp_replace(cast(o.{column.name} as varchar), '[.]0$', '')"
    return f"o.{column.name}"


def typed(columns: Columns) -> str:
    return ", ".join(
        ["message_id bigint", "path varchar", *(f"{name} {kind}" for name, kind, _ in columns)]
    )


def union_all(selects: Iterable[str], columns: str) -> str:
    """The selects one after the other; without any, no rows of these columns."""
    text = "\nunion all\n".join(selects)
    if text:
        return text
    empty: Iterator[str] = (
        f"cast(null as {kind}) as {name}"
        for name, _, kind in (column.strip().partition(" ") for column in columns.split(","))
    )
    return f"select {', '.join(empty)} where false"
