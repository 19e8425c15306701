"""Gives a message back as the payload it was, from the tables alone, never from landed bytes.

Typed columns first, then unplaced values, extensions and received forms at their paths. What was
not populated (null, "", empty objects and arrays) does not come back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from etl.errors import UsageFault
from etl.warehouse.schema import existing_columns
from models.tables.plan import META, Storage, Table, WarehousePlan

Place = tuple[str | int, ...]
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
    row = connection.execute(
        "select data_model from core.message where message_id = ?", [message_id]
    ).fetchone()
    if row is None:
        raise UsageFault(f"There is no message {message_id}; ids are in core.message.")
    payload: dict[str, Any] = {}
    columns = existing_columns(connection)
    for table in (*plan.core.values(), *plan.models[row[0]].values()):
        if table.qualified_name in columns:
            _place_rows(connection, table, message_id, payload)
    _place_kept(connection, message_id, payload)
    return to_json_text(payload)


def to_json_text(value: Any) -> str:
    """JSON text in which numbers stand as they were kept."""
    if isinstance(value, RawNumber):
        return value.text
    if isinstance(value, dict):
        inner = ",".join(f"{json.dumps(key)}:{to_json_text(item)}" for key, item in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_json_text, value)) + "]"
    return json.dumps(value)


def _place_rows(
    connection: duckdb.DuckDBPyConnection, table: Table, message_id: int, payload: dict[str, Any]
) -> None:
    if not table.columns:
        return
    names = ", ".join((*table.ordinals, *(column.name for column in table.columns)))
    order = ", ".join(table.ordinals) or "1"
    query = f"select {names} from {table.qualified_name} where message_id = ? order by {order}"
    depth = len(table.ordinals)
    for row in connection.execute(query, [message_id]).fetchall():
        for column, value in zip(table.columns, row[depth:], strict=True):
            if value is not None:
                place = list(_place(column.path, row[:depth]))
                put(payload, place, _json_value(value, column.storage))


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
    connection: duckdb.DuckDBPyConnection, message_id: int, payload: dict[str, Any]
) -> None:
    """Inner values first, so that a container kept whole replaces what was made of it."""
    unplaced = (
        "select path, ordinals, value from core.unplaced_value "
        "where message_id = ? and reason <> 'duplicate_key'"
    )
    for path, ordinals, value in connection.execute(unplaced, [message_id]).fetchall():
        put(payload, list(_place(path, ordinals)), parse_kept(value))
    _place_extensions(connection, message_id, payload)
    forms = "select path, ordinals, received from core.received_form where message_id = ?"
    rows = connection.execute(forms, [message_id]).fetchall()
    for path, ordinals, received in sorted(
        rows, key=lambda row: -len(list(_place(row[0], row[1])))
    ):
        put(payload, list(_place(path, ordinals)), parse_kept(received))


def _place_extensions(
    connection: duckdb.DuckDBPyConnection, message_id: int, payload: dict[str, Any]
) -> None:
    query = (
        "select owner_path, ordinals, slug, value_type, json_type, url, value "
        "from core.extension where message_id = ?"
    )
    for path, ordinals, slug, value_type, json_type, url, value in connection.execute(
        query, [message_id]
    ).fetchall():
        owner = [*_place(path, ordinals), "Extensions", slug] if path else ["Extensions", slug]
        if url:
            put(payload, [*owner, "url"], url)
        if value_type:
            typed = value if json_type == "string" else parse_kept(value)
            put(payload, [*owner, value_type], typed)


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


__all__ = ["META", "parse_kept", "put", "rebuild_message", "to_json_text"]
