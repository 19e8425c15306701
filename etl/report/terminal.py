"""What the terminal and --json show: the summary, what is below or changed, and all checks if asked.

Small counts are hidden here as in the page; how lines are drawn is the command's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from etl.report.attention import (
    Attention,
    about_change,
    about_silence,
    headline,
    is_told,
    list_attention,
    sum_up,
)
from etl.report.changes import ChangeGroup, Silence, group_changes, list_silences
from etl.report.overview import Card, Overview, build_overview
from etl.report.records import Facts, Verdict
from etl.report.senders import Feed, Senders
from etl.report.small_cells import HIDDEN, hide, is_small, redacted_verdict

MOST_ATTENTION = 5


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One check. Counts and rates that are hidden are None; `source` is the name where known."""

    data_model: str
    source: str
    source_id: str
    event_type: str
    path: str
    verdict: Verdict
    certainty: str | None
    rating: str | None
    basis: str | None
    rating_source: str | None
    fails_check: bool
    messages_populated: int | None
    messages: int | None
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    organization_rate: float | None
    element_rate: float | None
    observed_band: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """One data model and source: its verdicts counted, its worst lines, how many more there are."""

    card: Card
    lines: tuple[FieldLine, ...]
    more: int


@dataclass(frozen=True, slots=True)
class BelowLine:
    """A field below its rating, with the worst of the checks in which it is."""

    path: str
    source: str
    since: date | None
    rating: str
    basis: str
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    messages: int | None
    data_model: str
    event_type: str
    checks: int


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything the terminal shows."""

    summary: str
    overview: Overview
    attention: tuple[Attention, ...]
    below: tuple[BelowLine, ...]
    changes: tuple[ChangeGroup, ...]
    silences: tuple[Silence, ...]
    groups: tuple[Group, ...]
    falls_back_to_test: bool

    @property
    def headline(self) -> str:
        """What is wrong, in a few words: the title of the report."""
        return headline(self.overview, self.changes, self.silences)

    @property
    def more_changes(self) -> tuple[ChangeGroup, ...]:
        """The changes that are neither among what needs attention nor listed as below."""
        return tuple(
            one
            for one in self.changes
            if about_change(one) not in self.attention and not is_told(one, self.overview)
        )

    @property
    def more_silences(self) -> tuple[Silence, ...]:
        """The silences that are not among what needs attention."""
        return tuple(one for one in self.silences if about_silence(one) not in self.attention)


def digest(facts: Facts, senders: Senders, *, limit: int, suppress_below: int) -> Digest:
    """Sum up the checks; `limit` lines per group, 0 for all; groups with the most broken first."""
    overview = build_overview(facts, senders, suppress_below=suppress_below, worst=-1)
    changes = group_changes(facts, senders, suppress_below=suppress_below)
    silences = list_silences(facts, senders)
    return Digest(
        summary=sum_up(overview),
        overview=overview,
        attention=list_attention(overview, changes, silences, most=MOST_ATTENTION),
        below=tuple(_below_lines(overview)),
        changes=changes,
        silences=silences,
        groups=_groups(facts, senders, overview, limit=limit, suppress_below=suppress_below),
        falls_back_to_test=facts.scope.falls_back_to_test,
    )


def _below_lines(overview: Overview) -> Iterable[BelowLine]:
    for worst in overview.worst:
        first, more = worst.checks[0], len(worst.senders) - 1
        yield BelowLine(
            path=worst.path,
            source=first.sender + (f" +{more}" if more else ""),
            since=first.since,
            rating=worst.rating,
            basis=worst.basis,
            rate=first.rate,
            rate_low=first.rate_low,
            rate_high=first.rate_high,
            messages=first.messages,
            data_model=first.data_model,
            event_type=first.event_type,
            checks=len(worst.checks),
        )


def _groups(
    facts: Facts, senders: Senders, overview: Overview, *, limit: int, suppress_below: int
) -> tuple[Group, ...]:
    lines: dict[tuple[int, str], list[FieldLine]] = {}
    for row in _rows(facts):
        feed = senders.feeds[row["feed"]]
        own = lines.setdefault((feed.sender, feed.data_model), [])
        if not limit or len(own) < limit:
            own.append(_line(row, feed, senders, suppress_below))
    cards = dict(zip(_keys(senders), overview.cards, strict=True))
    groups = [
        Group(card, tuple(lines.get(key, ())), card.checks - len(lines.get(key, ())))
        for key, card in cards.items()
    ]
    return tuple(sorted(groups, key=lambda group: -group.card.verdicts.get(Verdict.BELOW, 0)))


def _keys(senders: Senders) -> Iterable[tuple[int, str]]:
    return dict.fromkeys((feed.sender, feed.data_model) for feed in senders.feeds)


def _rows(facts: Facts) -> Iterable[Mapping[str, Any]]:
    for batch in facts.fields.to_batches(max_chunksize=4096):
        yield from batch.to_pylist()


def _line(row: Mapping[str, Any], feed: Feed, senders: Senders, below: int) -> FieldLine:
    populated = hide(row["messages_populated"], below)
    is_shown = HIDDEN not in (feed.messages, populated)
    shows_elements = is_shown and not any(
        is_small(row[name], below) for name in ("elements", "element_denominator")
    )
    redacted = redacted_verdict(row["messages_populated"], row["messages"], below)
    sender = senders.senders[feed.sender]
    return FieldLine(
        data_model=feed.data_model,
        source=sender.label,
        source_id=sender.source,
        event_type=feed.event_type,
        path=row["path"],
        verdict=Verdict(row["verdict"]),
        certainty=row["certainty"],
        rating=row["rating"],
        basis=row["rating_basis"],
        rating_source=row["rating_source"],
        fails_check=row["fails_check"],
        messages_populated=None if populated == HIDDEN else populated,
        messages=None if feed.messages == HIDDEN else feed.messages,
        rate=row["request_rate"] if is_shown else None,
        rate_low=row["rate_low"] if is_shown else None,
        rate_high=row["rate_high"] if is_shown else None,
        organization_rate=row["organization_rate"],
        element_rate=row["element_rate"] if shows_elements else None,
        observed_band=row["observed_band"],
        text=redacted or row["verdict_text"],
    )
