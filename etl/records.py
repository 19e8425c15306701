"""Records that more than one step passes on. Nothing here does work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd or wrong in one message.

    `path` is in Redox notation, `ordinals` are the 1-based positions of its arrays, outermost
    first. Never holds a value of the payload; `suggestion` is a supported value of the catalog.
    """

    rule: str
    path: str
    ordinals: tuple[int, ...] = ()
    value_set: str = ""
    suggestion: str = ""
