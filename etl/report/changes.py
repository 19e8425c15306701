"""What changed, in sentences: equal changes of one or many senders told together.

The changes themselves are found in SQL (quality.field_drift); here they are only grouped and worded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from etl.plurals import counted
from etl.report.records import Facts
from etl.report.senders import Senders
from etl.report.small_cells import is_small

_COUNTS = ("past_populated", "past_messages", "recent_populated", "recent_messages")
_SAME_CHANGE = timedelta(days=2)
_MOST_NAMES = 2


@dataclass(frozen=True, slots=True)
class Change:
    """One field's change in one feed; rates are None where their counts are hidden."""

    path: str
    data_model: str
    event_type: str
    sender: int
    day: date
    kind: str
    past_rate: float | None
    recent_rate: float | None


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Changes of the same fields and kind in the same senders within days, the greatest first."""

    senders: tuple[str, ...]
    day: date
    kind: str
    changes: tuple[Change, ...]

    @property
    def data_models(self) -> tuple[str, ...]:
        """The data models in which something changed."""
        return tuple(dict.fromkeys(change.data_model for change in self.changes))

    @property
    def who(self) -> str:
        """The senders in words."""
        if len(self.senders) <= _MOST_NAMES:
            return " and ".join(self.senders)
        return counted(len(self.senders), "source")

    @property
    def subject(self) -> str:
        """What changed: a path, or how many fields."""
        paths = {change.path for change in self.changes}
        return self.changes[0].path if len(paths) == 1 else counted(len(paths), "field")

    @property
    def what(self) -> str:
        """What happened to which fields, with the rates where it is one field of one sender."""
        paths = {change.path for change in self.changes}
        rates = _rates(self.changes[0]) if len(paths) == len(self.senders) == 1 else ""
        return f"{self.subject} {self.kind}{rates}"

    @property
    def sentence(self) -> str:
        """What happened, whose it is and when, without a full stop."""
        what = self.what.removeprefix(self.subject)
        return f"{self.subject} of {self.who}{what} on {day_text(self.day)}"


def group_changes(
    facts: Facts, senders: Senders, *, suppress_below: int
) -> tuple[ChangeGroup, ...]:
    """Return all changes, grouped; the latest and largest groups first."""
    rows = facts.changes.to_pylist()
    changes = [_change(row, senders, suppress_below) for row in rows]
    groups: dict[tuple[date, str, tuple[int, ...]], list[Change]] = {}
    for cluster in _clusters(changes):
        own = tuple(sorted({change.sender for change in cluster}))
        groups.setdefault((cluster[0].day, cluster[0].kind, own), []).extend(cluster)
    grouped = [
        ChangeGroup(
            senders=tuple(senders.senders[sender].label for sender in own),
            day=day,
            kind=kind,
            changes=_ordered(members),
        )
        for (day, kind, own), members in groups.items()
    ]
    return tuple(
        sorted(
            grouped,
            key=lambda group: (group.day, len(group.changes), group.kind, group.senders),
            reverse=True,
        )
    )


def _clusters(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Changes of one field and kind whose days are close together, in order of their days."""
    fields: dict[tuple[str, str, str], list[Change]] = {}
    for change in sorted(changes, key=lambda change: (change.day, change.sender)):
        fields.setdefault((change.data_model, change.path, change.kind), []).append(change)
    for own in fields.values():
        cluster: list[Change] = []
        for change in own:
            if cluster and change.day - cluster[0].day > _SAME_CHANGE:
                yield cluster
                cluster = []
            cluster.append(change)
        yield cluster


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
        what = "nothing" if self.data_model == "*" else f"no {self.data_model}"
        return (
            f"{self.sender} sent {what} for {counted(self.silent_days, 'day')}, "
            f"since {day_text(self.last_day)}"
        )


def list_silences(facts: Facts, senders: Senders) -> tuple[Silence, ...]:
    """Return the silent senders, the longest silence first."""
    names = {sender.key: sender.label for sender in senders.senders}
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
            key=lambda change: (
                -_size(change), change.path, change.data_model, change.event_type, change.sender
            ),
        )
    )  # fmt: skip


def _size(change: Change) -> float:
    if change.past_rate is None or change.recent_rate is None:
        return 0
    return abs(change.recent_rate - change.past_rate)


def _change(row: Mapping[str, Any], senders: Senders, suppress_below: int) -> Change:
    feed = senders.feeds[row["feed"]]
    past_rate, recent_rate = shown_rates(row, suppress_below)
    return Change(
        path=row["path"],
        data_model=feed.data_model,
        event_type=feed.event_type,
        sender=feed.sender,
        day=row["day"],
        kind=row["kind"],
        past_rate=past_rate,
        recent_rate=recent_rate,
    )


def shown_rates(row: Mapping[str, Any], suppress_below: int) -> tuple[float | None, float | None]:
    """Return the rates before and since a change; None where one of their counts is hidden."""
    if any(is_small(row[name], suppress_below) for name in _COUNTS):
        return None, None
    return row["past_rate"], row["recent_rate"]


def _rates(change: Change) -> str:
    if change.past_rate is None or change.recent_rate is None:
        return ""
    past, recent = percent(change.past_rate), percent(change.recent_rate)
    if change.kind == "vanished":
        return f" (from {past} to 0%)"
    if change.kind == "appeared":
        return f" (from 0% to {recent})"
    return f" from {past} to {recent}"


def day_text(day: date) -> str:
    """Return a day in words, as in March 3, 2026."""
    return f"{day:%B} {day.day}, {day.year}"


def percent(rate: float) -> str:
    """Return a rate in words: whole percents, decimals only near 0 and 100."""
    if rate in (0, 1) or 0.01 <= rate <= 0.99:
        return f"{100 * rate:.0f}%"
    return f"{100 * rate:.2f}%"
