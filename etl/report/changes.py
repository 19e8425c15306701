"""What changed, as sentences an executive reads: changes of one sender, day and kind told together.

The changes themselves are found in SQL (quality.field_drift); here they are only grouped and said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from etl.plurals import counted
from etl.report.records import Facts
from etl.report.senders import Senders
from etl.report.small_cells import is_small

_COUNTS = ("past_populated", "past_messages", "recent_populated", "recent_messages")


@dataclass(frozen=True, slots=True)
class Change:
    """One field's change in one feed; rates are None where their counts are hidden."""

    path: str
    data_model: str
    event_type: str
    day: date
    kind: str
    past_rate: float | None
    recent_rate: float | None


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Changes of one sender, day and kind, the greatest first."""

    sender: str
    day: date
    kind: str
    changes: tuple[Change, ...]

    @property
    def data_models(self) -> tuple[str, ...]:
        """The data models in which something changed."""
        return tuple(dict.fromkeys(change.data_model for change in self.changes))

    @property
    def sentence(self) -> str:
        """What happened, without a full stop."""
        first = self.changes[0]
        paths = {change.path for change in self.changes}
        if len(paths) == 1:
            subject = f"{first.path} of {self.sender}"
        else:
            subject = f"{len(paths)} fields of {self.sender}"
        rates = _rates(first) if len(paths) == 1 else ""
        return f"{subject} {self.kind}{rates} on {self.day.day} {self.day:%B %Y}"


def group_changes(
    facts: Facts, senders: Senders, *, suppress_below: int
) -> tuple[ChangeGroup, ...]:
    """All changes, grouped; the latest and largest groups first."""

    def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
        feed = senders.feeds[row["feed"]]
        return (row["day"], feed.sender, row["kind"])

    rows = sorted(facts.changes.to_pylist(), key=key)
    groups = [
        ChangeGroup(
            sender=senders.senders[sender].name,
            day=day,
            kind=kind,
            changes=_ordered(_change(row, senders, suppress_below) for row in members),
        )
        for (day, sender, kind), members in groupby(rows, key=key)
    ]
    return tuple(sorted(groups, key=lambda group: (group.day, len(group.changes)), reverse=True))


@dataclass(frozen=True, slots=True)
class Silence:
    """A sender, or a data model of it, that has stopped sending."""

    sender: str
    data_model: str
    last_day: date
    silent_days: int
    longest_gap: int

    @property
    def sentence(self) -> str:
        """What happened, without a full stop."""
        of = "" if self.data_model == "*" else f"{self.data_model} of "
        return (
            f"{of}{self.sender} fell silent after {self.last_day.day} {self.last_day:%B %Y}: "
            f"nothing for {counted(self.silent_days, 'day')}"
        )


def list_silences(facts: Facts, senders: Senders) -> tuple[Silence, ...]:
    """The silent senders, the longest silence first."""
    names = {sender.key: sender.name for sender in senders.senders}
    return tuple(
        Silence(
            sender=names.get((row["source_id"], row["is_test"]), "a source"),
            data_model=row["data_model"],
            last_day=row["last_day"],
            silent_days=row["silent_days"],
            longest_gap=row["longest_gap"],
        )
        for row in facts.silences.to_pylist()
    )


def _ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(
        sorted(
            changes,
            key=lambda change: (-_size(change), change.path, change.data_model, change.event_type),
        )
    )


def _size(change: Change) -> float:
    if change.past_rate is None or change.recent_rate is None:
        return 0
    return abs(change.recent_rate - change.past_rate)


def _change(row: Mapping[str, Any], senders: Senders, suppress_below: int) -> Change:
    hidden = any(is_small(row[name], suppress_below) for name in _COUNTS)
    feed = senders.feeds[row["feed"]]
    return Change(
        path=row["path"],
        data_model=feed.data_model,
        event_type=feed.event_type,
        day=row["day"],
        kind=row["kind"],
        past_rate=None if hidden else row["past_rate"],
        recent_rate=None if hidden else row["recent_rate"],
    )


def _rates(change: Change) -> str:
    if change.past_rate is None or change.recent_rate is None:
        return ""
    past, recent = percent(change.past_rate), percent(change.recent_rate)
    if change.kind == "vanished":
        return f" (it fell from {past} to 0 %)"
    if change.kind == "appeared":
        return f" (it rose from 0 % to {recent})"
    return f" from {past} to {recent}"


def percent(rate: float) -> str:
    """A rate in words: whole percents, decimals only near 0 and 100."""
    if rate in (0, 1) or 0.01 <= rate <= 0.99:
        return f"{100 * rate:.0f} %"
    return f"{100 * rate:.2f} %"
