"""The record that passes through the run: a message, where it belongs, what was planted in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from etl.synth.plan import Plan
from etl.synth.sources import Source


class Outcome(StrEnum):
    """What a loader must do with a message."""

    LOADED = "loaded"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


class Key(NamedTuple):
    """The group a message counts in; day is the UTC date of Meta.EventDateTime."""

    day: str
    source_id: str
    facility_code: str
    data_model: str
    event_type: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class Planted:
    """One thing put into a message on purpose.

    `rule` is the catalog's rule that must find it, `path` its place in Redox notation, `ordinals`
    the 1-based positions of its arrays, `form` how it was done. `is_held` tells whether the typed
    column still holds a value.
    """

    rule: str
    path: str
    ordinals: tuple[int, ...] = ()
    form: str = ""
    value_set: str = ""
    suggestion: str = ""
    is_held: bool = True


REPLY_UNDER_QUERY = "reply_under_query_event"
RECORDED_REPLY = Planted(REPLY_UNDER_QUERY, "Meta.EventType", form="recorded")
"""What a reply is found to be that comes as Redox's API sends it."""


@dataclass(slots=True)
class Message:
    """One message as written.

    `counts` are the populated occurrences of each listed path as sent; `held_counts`, where they
    differ, those that the typed columns hold.
    """

    position: int
    body: bytes
    plan: Plan
    source: Source
    key: Key
    event_at: str
    log_id: str
    counts: Mapping[str, int]
    held_counts: Mapping[str, int] | None = None
    planted: tuple[Planted, ...] = ()
    outcome: Outcome = Outcome.LOADED
    reason: str = ""
    duplicate_of: int | None = None
    tags: list[str] = field(default_factory=list)
