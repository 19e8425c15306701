"""Which payloads are deliveries of an earlier one? Slow reference, imports nothing of ours.

Equal content as JSON values. With a log id: without the paths that change on delivery; without
one: without the attempt ids only. Nothing is taken for a duplicate across different log ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tests.reference.json_text import Object, Value, canonical

Place = tuple[str, ...]
ATTEMPT: Place = ("Meta", "Logs", "AttemptID")
VOLATILE: frozenset[Place] = frozenset(
    {ATTEMPT, ("Meta", "EventDateTime"), ("Meta", "Transmission", "ID")}
)


def log_id(payload: Value) -> str:
    """The first non-empty Meta.Logs[].ID, "" where there is none."""
    logs = payload.get("Meta", "Logs") if isinstance(payload, Object) else None
    for entry in logs if isinstance(logs, list) else []:
        text = entry.get("ID") if isinstance(entry, Object) else None
        if isinstance(text, str) and text:
            return text
    return ""


def identity(payload: Value) -> tuple[str, str]:
    """What two deliveries of one message share: log id and canonical content."""
    known = log_id(payload)
    dropped = VOLATILE if known else frozenset({ATTEMPT})
    return known, canonical(_without(payload, lambda place: place in dropped))


def find_duplicates(payloads: Iterable[Value]) -> Iterator[int | None]:
    """For each payload the position (from 0) of the first delivery, None for a first one."""
    first: dict[tuple[str, str], int] = {}
    for position, payload in enumerate(payloads):
        known = identity(payload)
        yield first.get(known)
        first.setdefault(known, position)


def _without(value: Value, is_dropped: Callable[[Place], bool], place: Place = ()) -> Value:
    if isinstance(value, Object):
        return Object(
            tuple(
                (key, _without(member, is_dropped, (*place, key)))
                for key, member in value.pairs
                if not is_dropped((*place, key))
            )
        )
    if isinstance(value, list):
        return [_without(element, is_dropped, place) for element in value]
    return value
