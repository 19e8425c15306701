"""The plan of a pull: which requests, each once, with a key that stays the same over restarts.

Which event types are queries, and what answers them, is read from the catalog.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from etl.pull.records import Request
from etl.pull.requests import Row, Template
from etl.pull.templates import (
    DAY_NAMES,
    day_parameters,
    fill,
    find_placeholders,
    has_stray_braces,
)
from models.catalog.records import Catalog, Direction

Queries = Mapping[tuple[str, str], str]
"""(data model, event type) of every query -> the event type of its reply."""

_MOST_FAULTS = 20


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
