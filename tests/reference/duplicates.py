"""Which payloads are deliveries of an earlier one? Slow reference, imports nothing of ours.

Equal content as JSON values, the members of every object included: of a repeated key all values in
their order. With a log id: without the paths that change on delivery; without one: without the
attempt ids only.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from tests.reference.json_text import Number, Object, Value, canonical

Place = tuple[str, ...]
ATTEMPT: Place = ("Meta", "Logs", "AttemptID")
VOLATILE: frozenset[Place] = frozenset(
    {ATTEMPT, ("Meta", "EventDateTime"), ("Meta", "Transmission", "ID")}
)
OWNERS = frozenset(place[:-1] for place in VOLATILE)


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
    """What two deliveries of one message share: all leaves but volatile ones, in one order.

    A leaf is a scalar or an empty container, with its path, its ordinals and its exact value; the
    values of a repeated key have their numbers as ordinals. Volatile paths are left out wherever
    they are, in earlier values of repeated keys too, and so are empty objects that could own one.
    The log id is content itself.
    """
    dropped = VOLATILE if log_id(payload) else frozenset({ATTEMPT})
    return "\n".join(sorted(_leaves(payload, "", (), dropped)))


def find_duplicates(payloads: Iterable[Value]) -> Iterator[int | None]:
    """For each payload the position (from 0) of the first delivery, None for a first one."""
    first: dict[str, int] = {}
    for position, payload in enumerate(payloads):
        known = identity(payload)
        yield first.get(known)
        first.setdefault(known, position)


def _leaves(value: Value, at: str, place: Place, dropped: frozenset[Place]) -> Iterator[str]:
    """One line per leaf; keys are JSON text, so lines of different leaves differ."""
    if isinstance(value, Object) and value.pairs:
        for key, inner, where in _members(value):
            below = (*place, key)
            if below not in dropped:
                yield from _leaves(inner, f"{at}{where}", below, dropped)
    elif isinstance(value, list) and value:
        for ordinal, element in enumerate(value, start=1):
            yield from _leaves(element, f"{at}[{ordinal}]", place, dropped)
    elif not isinstance(value, Object) or place not in OWNERS:
        yield f"{at} = {canonical(value)}"


def _members(value: Object) -> Iterator[tuple[str, Value, str]]:
    """Key, value and place of each member; a repeated key's values are numbered."""
    count = Counter(key for key, _ in value.pairs)
    seen: Counter[str] = Counter()
    for key, inner in value.pairs:
        seen[key] += 1
        number = f"#{seen[key]}" if count[key] > 1 else ""
        yield key, inner, f".{json.dumps(key)}{number}"
