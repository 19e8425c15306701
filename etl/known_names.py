"""Names that a caller gives, looked up: a name that stands for nothing is a fault, never an empty answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

import duckdb

from etl.errors import UsageFault

T = TypeVar("T")
MOST_NAMES = 100


def look_up(names: Iterable[str], known: Mapping[str, T], kind: str) -> list[T]:
    """What these names stand for; raises UsageFault that lists every name that stands for nothing."""
    wanted = list(names)
    unknown = [name for name in dict.fromkeys(wanted) if name not in known]
    if unknown:
        near = {n for name in unknown for n in get_close_matches(name, known, n=1)}
        hint = f" (near: {', '.join(sorted(near))})" if near else ""
        is_short = not near and len(known) <= MOST_NAMES
        what_to_do = f"name one of {', '.join(sorted(known))}" if is_short else "check the name"
        raise UsageFault(f"There is no {kind} {', '.join(unknown)}{hint}; {what_to_do}.")
    return [known[name] for name in wanted]


def require_known(
    connection: duckdb.DuckDBPyConnection,
    *,
    rules: Iterable[str] = (),
    data_models: Iterable[str] = (),
) -> None:
    """Raise UsageFault for a rule or a data model that the data dictionary does not have."""
    look_up(rules, _names(connection, "select rule from quality.rule"), "rule")
    models = "select distinct data_model from quality.field"
    look_up(data_models, _names(connection, models), "data model")


def _names(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    return {row[0]: row[0] for row in connection.execute(query).fetchall()}
