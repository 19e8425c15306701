"""Who sent what: sources and feeds as a report names and numbers them.

A sender is a source, its test messages being a sender of their own; a feed is a sender's messages
of one event type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from etl.report.names import event_type_names, source_names
from etl.report.records import Facts
from etl.report.small_cells import HIDDEN, hide, hide_days, sum_text

_UUID = re.compile(r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sender:
    """A source, or its test messages; `name` is its organization where the site names one.

    `short` is the name where that is not a long id, for narrow columns.
    """

    key: tuple[str, bool]
    source: str
    name: str

    @property
    def short(self) -> str:
        return _UUID.sub(r"\1…", self.name)


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
        return f"{self.senders[own.sender].name} · {own.data_model} {own.event_type}"


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
    shown = source_names()
    return tuple(
        Sender(
            key=(source_id, is_test),
            source=shown.show(source_id),
            name=facts.source_names.get(source_id, shown.show(source_id))
            + (" (test)" if is_test else ""),
        )
        for source_id, is_test in keys
    )
