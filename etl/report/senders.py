"""Who sent what: sources and feeds as a report names and numbers them.

A sender is a source, its test messages being a sender of their own; a feed is a sender's messages
of one event type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from etl.report.names import event_type_names
from etl.report.records import Facts
from etl.report.small_cells import HIDDEN, hide, hide_days, sum_text
from etl.report.source_names import SourceLabel, SourceLabels, short_id


@dataclass(frozen=True, slots=True)
class Sender:
    """A source, or its test messages.

    `source` is the id as it may be shown, `name` the organization or Meta.Source.Name, "" where
    neither is known; `label` names it in a sentence: two sources of one name get their id beside it.
    """

    key: tuple[str, bool]
    source: str
    name: str
    label: str

    @property
    def short(self) -> str:
        """The label where that is no long id, for narrow columns."""
        return short_id(self.label)

    @property
    def id_beside(self) -> str:
        """The id to show beside the label, "" where the label is the id."""
        return self.source if self.name else ""


@dataclass(frozen=True, slots=True)
class Feed:
    """One sender's messages of one event type; HIDDEN stands for a small count."""

    sender: int
    data_model: str
    event_type: str
    messages: int
    days: tuple[date, ...]
    day_messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Senders:
    """All senders and feeds; a feed's place in `feeds` is its number in the facts."""

    senders: tuple[Sender, ...]
    feeds: tuple[Feed, ...]

    @property
    def sources(self) -> int:
        """How many sources there are, their test messages not counted apart."""
        return len({sender.key[0] for sender in self.senders})

    @property
    def messages(self) -> int:
        """All messages whose count is shown."""
        return sum(feed.messages for feed in self.feeds if feed.messages != HIDDEN)

    @property
    def messages_text(self) -> str:
        """The same in words, which tell when some are hidden."""
        is_partial = any(feed.messages == HIDDEN for feed in self.feeds)
        return sum_text(self.messages, is_partial=is_partial)

    def place_of(self, feed: int) -> str:
        """A feed in words: sender, data model and event type."""
        own = self.feeds[feed]
        return f"{self.senders[own.sender].label} · {own.data_model} {own.event_type}"


def name_senders(facts: Facts, *, suppress_below: int) -> Senders:
    """Number and name the senders and feeds of the facts, small counts hidden."""
    rows = facts.feeds.to_pylist()
    keys = list(dict.fromkeys((row["source_id"], row["is_test"]) for row in rows))
    events = event_type_names()
    feeds = tuple(
        Feed(
            sender=keys.index((row["source_id"], row["is_test"])),
            data_model=row["data_model"],
            event_type=events.show(row["event_type"]),
            messages=hide(row["messages"], suppress_below),
            days=tuple(row["days"]),
            day_messages=tuple(hide_days(row["day_messages"], suppress_below)),
        )
        for row in rows
    )
    return Senders(_name_sources(keys, facts), feeds)


def _name_sources(keys: Sequence[tuple[str, bool]], facts: Facts) -> tuple[Sender, ...]:
    labels = SourceLabels(facts.source_names)
    shown = {source_id: labels.label(source_id) for source_id, _ in keys}
    often = Counter(label.name for label in shown.values())
    return tuple(
        Sender(
            key=(source_id, is_test),
            source=shown[source_id].source_id,
            name=shown[source_id].name,
            label=_label(shown[source_id], often) + (" (test)" if is_test else ""),
        )
        for source_id, is_test in keys
    )


def _label(label: SourceLabel, often: Mapping[str, int]) -> str:
    return label.name if label.name and often[label.name] == 1 else label.text
