"""Which payloads are deliveries of an earlier one? Slow reference, imports nothing of ours.

Equal content as JSON values, the members of every object included: of a repeated key all values in
their order. With a log id: without the paths that change on delivery; without one: without the
attempt ids only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tests.reference.json_text import Number, Object, Value, canonical

Place = tuple[str, ...]
ATTEMPT: Place = ("Meta", "Logs", "AttemptID")
VOLATILE: frozenset[Place] = frozenset(
    {ATTEMPT, ("Meta", "EventDateTime"), ("Meta", "Transmission", "ID")}
)


def log_id(payload: Value) -> str:
    """The first non-empty Meta.Logs[].ID, "" where there is none; a lone object is an array of one."""
    logs = payload.get("Meta", "Logs") if isinstance(payload, Object) else None
    for entry in logs if isinstance(logs, list) else [logs]:
        found = entry.get("ID") if isinstance(entry, Object) else None
        text = found.text if isinstance(found, Number) else found
        if isinstance(text, str) and text:
            return text
    return ""


def identity(payload: Value) -> str:
    """What two deliveries of one message share: the canonical content without volatile paths.

    Those are left out wherever they are, also in the earlier values of repeated keys. The log id is
    content itself.
    """
    dropped = VOLATILE if log_id(payload) else frozenset({ATTEMPT})
    return canonical(_without(payload, lambda place: place in dropped))


def find_duplicates(payloads: Iterable[Value]) -> Iterator[int | None]:
    """For each payload the position (from 0) of the first delivery, None for a first one."""
    first: dict[str, int] = {}
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
