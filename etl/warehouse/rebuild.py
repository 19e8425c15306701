"""Gives a message back as the payload it was, from the tables alone, never from landed bytes.

Typed columns first, then unplaced values, extensions and received forms at their paths. What was
not populated (null, "", empty objects and arrays) does not come back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from etl.errors import UsageFault
from etl.warehouse.schema import existing_columns
from models.tables.plan import Storage, Table, WarehousePlan

Payloads = dict[int, dict[str, Any]]
_CHOSEN = "message_id in (select unnest(cast(? as bigint[])))"
_SEGMENT = re.compile(
    r'(?P<plain>[A-Za-z][A-Za-z0-9_-]*)(?P<array>\[\])?|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]'
)


class RawNumber(float):
    """A number that prints as the text it was given."""

    text: str

    def __new__(cls, text: str) -> RawNumber:
        number = super().__new__(cls, 0.0)
        number.text = text
        return number

    def __repr__(self) -> str:
        return self.text


def rebuild_message(
    connection: duckdb.DuckDBPyConnection, plan: WarehousePlan, message_id: int
) -> str:
    """The payload of a message as JSON text; raises UsageFault when there is no such message."""
    rebuilt = rebuild_messages(connection, plan, [message_id])
    if message_id not in rebuilt:
        raise UsageFault(f"There is no message {message_id}; ids are in core.message.")
    return rebuilt[message_id]


def rebuild_messages(
    connection: duckdb.DuckDBPyConnection, plan: WarehousePlan, message_ids: Sequence[int]
) -> dict[int, str]:
    """The payloads of many messages as JSON text, by id; unknown ids are left out."""
    chosen = list(message_ids)
    query = f"select message_id, data_model from core.message where {_CHOSEN} order by 1"
    models = dict(connection.execute(query, [chosen]).fetchall())
    payloads: dict[int, dict[str, Any]] = {message_id: {} for message_id in models}
    tables = [*plan.core.values()]
    for model in sorted(set(models.values())):
        tables += plan.models[model].values()
    existing = existing_columns(connection)
    for table in tables:
        if table.qualified_name in existing:
            _place_rows(connection, table, chosen, payloads)
    _place_kept(connection, chosen, payloads)
    return {message_id: to_json_text(payload) for message_id, payload in payloads.items()}


def to_json_text(value: Any, *, indent: int = 0, depth: int = 1) -> str:
    """JSON text in which numbers are as they were kept; with an indent one member per line."""
    if isinstance(value, RawNumber):
        return value.text
    if isinstance(value, dict):
        colon = ": " if indent else ":"
        inner = (
            f"{json.dumps(key)}{colon}{to_json_text(item, indent=indent, depth=depth + 1)}"
            for key, item in value.items()
        )
        return _enclosed("{", inner, "}", indent=indent, depth=depth)
    if isinstance(value, list):
        inner = (to_json_text(item, indent=indent, depth=depth + 1) for item in value)
        return _enclosed("[", inner, "]", indent=indent, depth=depth)
    return json.dumps(value)


def _enclosed(opening: str, inner: Iterable[str], closing: str, *, indent: int, depth: int) -> str:
    if not indent:
        return f"{opening}{','.join(inner)}{closing}"
    start, end = f"\n{' ' * indent * depth}", f"\n{' ' * indent * (depth - 1)}"
    lines = f",{start}".join(inner)
    return f"{opening}{start}{lines}{end}{closing}" if lines else f"{opening}{closing}"


def _place_rows(
    connection: duckdb.DuckDBPyConnection, table: Table, chosen: list[int], payloads: Payloads
) -> None:
    if not table.columns:
        return
    names = ", ".join((*table.key, *(column.name for column in table.columns)))
    query = (
        f"select {names} from {table.qualified_name} where {_CHOSEN} "
        f"order by {', '.join(table.key)}"
    )
    depth = len(table.key)
    for row in connection.execute(query, [chosen]).fetchall():
        for column, value in zip(table.columns, row[depth:], strict=True):
            if value is not None:
                place = list(_place(column.path, row[1:depth]))
                put(payloads[row[0]], place, _json_value(value, column.storage))


def _json_value(value: Any, storage: Storage) -> Any:
    if storage is Storage.JSON:
        return parse_kept(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z".rjust(24, "0")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float | Decimal):
        return RawNumber(_number_text(value))
    return value


def _number_text(value: float | Decimal) -> str:
    text = f"{Decimal(repr(value)) if isinstance(value, float) else value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_kept(text: str) -> Any:
    """The value of kept JSON text, numbers as spelled."""
    return json.loads(text, parse_float=RawNumber, parse_int=RawNumber)


def _place_kept(
    connection: duckdb.DuckDBPyConnection, chosen: list[int], payloads: Payloads
) -> None:
    """Inner values first, so that a container kept whole replaces what was made of it."""
    unplaced = (
        "select message_id, path, ordinals, value from core.unplaced_value "
        f"where {_CHOSEN} and reason <> 'duplicate_key'"
    )
    for message_id, path, ordinals, value in connection.execute(unplaced, [chosen]).fetchall():
        put(payloads[message_id], list(_place(path, ordinals)), parse_kept(value))
    _place_extensions(connection, chosen, payloads)
    forms = f"select message_id, path, ordinals, received from core.received_form where {_CHOSEN}"
    kept = [
        (list(_place(path, ordinals)), message_id, received)
        for message_id, path, ordinals, received in connection.execute(forms, [chosen]).fetchall()
    ]
    for place, message_id, received in sorted(kept, key=lambda row: -len(row[0])):
        put(payloads[message_id], place, parse_kept(received))


def _place_extensions(
    connection: duckdb.DuckDBPyConnection, chosen: list[int], payloads: Payloads
) -> None:
    query = (
        "select message_id, owner_path, ordinals, slug, value_type, json_type, url, value "
        f"from core.extension where {_CHOSEN}"
    )
    for row in connection.execute(query, [chosen]).fetchall():
        message_id, path, ordinals, slug, value_type, json_type, url, value = row
        owner = [*_place(path, ordinals), "Extensions", slug]
        if url:
            put(payloads[message_id], [*owner, "url"], url)
        if value_type:
            typed = value if json_type == "string" else parse_kept(value)
            put(payloads[message_id], [*owner, value_type], typed)


def _place(path: str, ordinals: Any) -> Iterator[str | int]:
    """Keys and 0-based indexes of a path; an array without an ordinal stands for itself."""
    left = list(ordinals)
    for match in _SEGMENT.finditer(path):
        yield json.loads(match["quoted"]) if match["quoted"] else match["plain"]
        if match["array"] and left:
            yield left.pop(0) - 1


def put(payload: Any, place: list[str | int], value: Any) -> None:
    """Set a value deep in a payload; containers on the way are made, gaps in arrays are null."""
    at = payload
    for step, following in zip(place, [*place[1:], None], strict=True):
        if isinstance(step, int):
            at.extend([None] * (step + 1 - len(at)))
        if following is None:
            at[step] = value
            return
        inner = at.get(step) if isinstance(at, dict) else at[step]
        wanted = list if isinstance(following, int) else dict
        if not isinstance(inner, wanted):
            inner = wanted()
            at[step] = inner
        at = inner
