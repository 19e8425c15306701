"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what it is like, and what to do unless it is well."""

    area: str
    name: str
    state: State
    found: str
    action: str = ""


def ok(area: str, name: str, found: str) -> Check:
    """A thing that is well."""
    return Check(area, name, State.OK, found)


def warn(area: str, name: str, found: str, action: str) -> Check:
    """A thing that works but should be looked at."""
    return Check(area, name, State.WARN, found, action)


def fail(area: str, name: str, found: str, action: str) -> Check:
    """A thing that does not work."""
    return Check(area, name, State.FAIL, found, action)
