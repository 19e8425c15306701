"""Hides small counts, so that nobody can be recognised by being one of few.

A count from 1 to `below` - 1 is hidden; zero is not small, it says that a field is never filled.
Rates, intervals and sentences that would give a hidden count away go with it. A single hidden day
whose total is shown could be computed, so a second one is hidden with it.
"""

from __future__ import annotations

from collections.abc import Sequence

HIDDEN = -1


def is_small(count: int, below: int) -> bool:
    """Whether a count must be hidden."""
    return 0 < count < below


def hide(count: int, below: int) -> int:
    """The count, or HIDDEN."""
    return HIDDEN if is_small(count, below) else count


def hide_days(counts: Sequence[int], below: int) -> list[int]:
    """Daily counts of a shown total: small ones hidden, never exactly one."""
    shown = [hide(count, below) for count in counts]
    if shown.count(HIDDEN) == 1:
        visible = [count for count in shown if count > 0]
        if visible:
            shown[shown.index(min(visible))] = HIDDEN
    return shown


def hide_series(populated: Sequence[int], messages: Sequence[int], *, below: int) -> list[int]:
    """Daily numerators under shown or hidden denominators; a hidden day hides its numerator."""
    if below <= 1:
        return list(populated)  # no count is small, so none is hidden
    masked = [
        HIDDEN if total == HIDDEN and count > 0 else count
        for count, total in zip(populated, messages, strict=True)
    ]
    return hide_days(masked, below)


def sum_text(shown: int, *, is_partial: bool) -> str:
    """A sum in words; `is_partial` where hidden counts are not in it, so that it is never a zero."""
    if is_partial:
        return f"{shown:,} and more" if shown else "hidden"
    return f"{shown:,}"


def redacted_verdict(populated: int, messages: int, below: int) -> str:
    """The sentence that stands in for a verdict's own when its counts must not be told."""
    if is_small(messages, below):
        return f"Fewer than {below} messages; their counts are not shown."
    if is_small(populated, below):
        return f"Filled in fewer than {below} of {messages:,} messages; the count is not shown."
    return ""
