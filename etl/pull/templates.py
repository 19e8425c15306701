"""Placeholders: `{{patient_id}}` inside the string values of a request. Fills parsed JSON, never
text, so no value can change the shape of a request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_LEFTOVER = re.compile(r"\{\{|\}\}")

DAY_NAMES = frozenset({"day", "next_day", "day_start", "day_end"})
"""Placeholders filled from the day asked for, see `day_parameters`."""


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
