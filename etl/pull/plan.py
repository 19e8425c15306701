"""The plan of a pull: which requests, each once, with a key that stays the same over restarts.

Which event types are queries, and what answers them, is read from the catalog. Placeholders such as
`{{patient_id}}` are filled in parsed JSON, never in text, so no value can change the shape of a
request.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from etl.pull.records import Request
from etl.pull.requests import Row, Template
from models.catalog.records import Catalog, Direction

Queries = Mapping[tuple[str, str], str]
"""(data model, event type) of every query -> the event type of its reply."""

_MOST_FAULTS = 20
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_LEFTOVER = re.compile(r"\{\{|\}\}")
DAY_NAMES = frozenset({"day", "next_day", "day_start", "day_end"})
"""Placeholders filled from the day asked for, see `day_parameters`."""


def list_queries(catalog: Catalog) -> dict[tuple[str, str], str]:
    """The queries of the catalog and what answers each."""
    return {
        (event.data_model, event.event_type): event.reply
        for model in catalog.data_models.values()
        for event in model.event_types
        if event.direction is Direction.QUERY
    }


def request_key(body: Any, partition: str) -> str:
    """The name of a request: a hash of its partition and its content, however it was spelled."""
    canonical = json.dumps([partition, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def plan_requests(
    templates: Sequence[Template],
    *,
    queries: Queries,
    rows: Sequence[Row],
    days: Sequence[date],
    partition: str,
    faults: list[str],
) -> list[Request]:
    """Every request once, in order of day, template and row; faults are added to `faults`.

    A template with a placeholder of the table is asked once per row, others once; all of them
    once per day. Grain: one request per key.
    """
    columns = set(rows[0].cells) if rows else set()
    for template in templates:
        faults.extend(_check(template, queries, columns, has_days=bool(days)))
    if faults:
        return []
    planned: dict[str, Request] = {}
    for day in days or (None,):
        for template in templates:
            for value in _fill_rows(template, rows, day, faults):
                request = _make_request(
                    value, _partition(partition, day), queries, len(planned) + 1
                )
                planned.setdefault(request.key, request)
    return list(planned.values())


def tell_faults(faults: Sequence[str]) -> str:
    """The faults in one line, the first twenty of them."""
    told = "; ".join(faults[:_MOST_FAULTS])
    rest = len(faults) - _MOST_FAULTS
    return f"{told}; and {rest} more" if rest > 0 else told


def _check(
    template: Template, queries: Queries, columns: set[str], *, has_days: bool
) -> Iterator[str]:
    if _envelope(template.value) not in queries:
        yield f"{template.place} is no query (Meta.DataModel and Meta.EventType) of the catalog"
    if has_stray_braces(template.value):
        yield f"{template.place} has {{{{ or }}}} that are no placeholder, or one in a key"
    names = find_placeholders(template.value)
    if names & DAY_NAMES and not has_days:
        yield f"{template.place} asks for a day; give --day, or --since and --until"
    if both := sorted(names & DAY_NAMES & columns):
        yield f"column {both[0]} of the table has the name of a day placeholder"
    for name in sorted(names - DAY_NAMES - columns):
        yield f"{template.place} needs {{{{{name}}}}}, which is no column of a table with rows"


def _fill_rows(
    template: Template, rows: Sequence[Row], day: date | None, faults: list[str]
) -> Iterator[dict[str, Any]]:
    names = find_placeholders(template.value) - DAY_NAMES
    of_day = day_parameters(day) if day else {}
    if not names:
        yield fill(template.value, of_day)
        return
    for row in rows:
        empty = sorted(name for name in names if not row.cells[name].strip())
        if empty:
            faults.append(f"row {row.number} of the table has nothing in {', '.join(empty)}")
            continue
        yield fill(template.value, row.cells | of_day)


def _make_request(value: dict[str, Any], partition: str, queries: Queries, number: int) -> Request:
    data_model, event_type = envelope = _envelope(value)
    return Request(
        number,
        request_key(value, partition),
        data_model,
        event_type,
        reply=queries[envelope],
        body=json.dumps(value, separators=(",", ":")).encode(),
    )


def _partition(partition: str, day: date | None) -> str:
    return "/".join(filter(None, (partition, day.isoformat() if day else "")))


def _envelope(value: dict[str, Any]) -> tuple[str, str]:
    meta = value.get("Meta")
    named = meta if isinstance(meta, dict) else {}
    return str(named.get("DataModel")), str(named.get("EventType"))


def find_placeholders(value: Any) -> set[str]:
    """The names of all placeholders in the values of a request."""
    if isinstance(value, str):
        return set(_PLACEHOLDER.findall(value))
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return {name for item in value for name in find_placeholders(item)}
    return set()


def has_stray_braces(value: Any) -> bool:
    """True if a key holds a placeholder or a value holds braces that are none: a slip to report."""
    if isinstance(value, str):
        return _LEFTOVER.search(_PLACEHOLDER.sub("", value)) is not None
    if isinstance(value, dict):
        in_keys = any(_LEFTOVER.search(key) for key in value)
        return in_keys or any(has_stray_braces(item) for item in value.values())
    return isinstance(value, list) and any(has_stray_braces(item) for item in value)


def fill(value: Any, parameters: Mapping[str, str]) -> Any:
    """A copy of the request in which every placeholder has its parameter's text.

    Filled text is not searched again. Raises KeyError for a name without a parameter.
    """
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: parameters[found[1]], value)
    if isinstance(value, dict):
        return {key: fill(item, parameters) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, parameters) for item in value]
    return value


def day_parameters(day: date) -> dict[str, str]:
    """What a day fills in: dates, and its bounds as Redox DateTimes in UTC.

    `day_end` is the next midnight: a bound shared by two days asks twice for a record on it,
    which the duplicate rule settles; a gap would lose it.
    """
    following = day + timedelta(days=1)
    return {
        "day": day.isoformat(),
        "next_day": following.isoformat(),
        "day_start": f"{day.isoformat()}T00:00:00.000Z",
        "day_end": f"{following.isoformat()}T00:00:00.000Z",
    }
