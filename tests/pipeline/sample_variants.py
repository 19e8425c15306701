"""What senders do to payloads that documentation does not show: variants of a plain JSON value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Change = Callable[[Any, str], Any]
ODD_KEYS = {"Note": "n", "odd key.with [marks]": {"A": [1, None, {"B": 2.50}]}, "": "e", "Ü": False}


def variants(payload: dict[str, Any], event_types: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The payload changed in every way, then under every event type of its data model."""
    for change in CHANGES:
        yield {key: member if key == "Meta" else _walk(member, key, change)
               for key, member in payload.items()}  # fmt: skip
    yield {key: _walk(member, key, _reversed) for key, member in reversed(payload.items())}
    for event_type in (*event_types, "Unheard Of"):
        yield payload | {"Meta": payload["Meta"] | {"EventType": event_type}}


def _walk(value: Any, key: str, change: Change) -> Any:
    """Changed from the leaves up; an item of an array goes by the array's key."""
    if isinstance(value, dict):
        value = {inner: _walk(member, inner, change) for inner, member in value.items()}
    elif isinstance(value, list):
        value = [_walk(item, key, change) for item in value]
    return change(value, key)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _reversed(value: Any, _: str) -> Any:
    return dict(reversed(value.items())) if isinstance(value, dict) else value


def _numbers_as_text(value: Any, _: str) -> Any:
    return str(value) if _is_number(value) else value


def _digits_as_numbers(value: Any, _: str) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _truth_as_text(value: Any, _: str) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _some_null(value: Any, key: str) -> Any:
    return None if sum(key.encode()) % 3 == 0 else value


def _some_blank(value: Any, key: str) -> Any:
    return type(value)() if sum(key.encode()) % 3 == 1 and value is not None else value


def _more_keys(value: Any, _: str) -> Any:
    return value | ODD_KEYS if isinstance(value, dict) else value


def _extended(value: Any, _: str) -> Any:
    slug = {"url": "https://synthetic.invalid/slug", "coding": {"code": "c"}, "string": "s"}
    return value | {"Extensions": {"slug": slug}} if isinstance(value, dict) else value


def _arrays_of_one(value: Any, _: str) -> Any:
    return [value] if isinstance(value, dict) else value


def _first_alone(value: Any, _: str) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _scalars_in_arrays(value: Any, _: str) -> Any:
    return value if isinstance(value, dict | list) else [value]


def _arrays_with_gaps(value: Any, _: str) -> Any:
    return [None, *value, {}, *value] if isinstance(value, list) else value


CHANGES: tuple[Change, ...] = (
    _numbers_as_text,
    _digits_as_numbers,
    _truth_as_text,
    _some_null,
    _some_blank,
    _more_keys,
    _extended,
    _arrays_of_one,
    _first_alone,
    _scalars_in_arrays,
    _arrays_with_gaps,
)
