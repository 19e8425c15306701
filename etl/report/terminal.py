"""What the terminal and --json tell: the checks of each data model and source, worst first.

Small counts are hidden here as in the page; how lines are drawn is the command's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from etl.report.changes import group_changes, list_silences
from etl.report.overview import Card, build_overview
from etl.report.records import Facts, Verdict
from etl.report.senders import Feed, Senders
from etl.report.small_cells import HIDDEN, hide, is_small, redacted_verdict


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One check. Counts and rates that are hidden are None."""

    data_model: str
    source: str
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
class Tale:
    """Everything the terminal tells."""

    total: Card
    failing: int
    groups: tuple[Group, ...]
    changes: tuple[str, ...]
    silences: tuple[str, ...]
    falls_back_to_test: bool


def tell(facts: Facts, senders: Senders, *, limit: int, suppress_below: int) -> Tale:
    """Group the checks; `limit` lines per group, 0 for all; groups with the most broken first."""
    overview = build_overview(facts, senders, suppress_below=suppress_below, worst=0)
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
    groups.sort(key=lambda group: -group.card.verdicts.get(Verdict.BELOW, 0))
    changes = group_changes(facts, senders, suppress_below=suppress_below)
    return Tale(
        total=overview.total,
        failing=overview.failing,
        groups=tuple(groups),
        changes=tuple(f"{group.sentence} ({', '.join(group.data_models)})." for group in changes),
        silences=tuple(f"{silence.sentence}." for silence in list_silences(facts, senders)),
        falls_back_to_test=facts.scope.falls_back_to_test,
    )


def _keys(senders: Senders) -> Iterable[tuple[int, str]]:
    return dict.fromkeys((feed.sender, feed.data_model) for feed in senders.feeds)


def _rows(facts: Facts) -> Iterable[Mapping[str, Any]]:
    for batch in facts.fields.to_batches(max_chunksize=4096):
        yield from batch.to_pylist()


def _line(row: Mapping[str, Any], feed: Feed, senders: Senders, below: int) -> FieldLine:
    populated = hide(row["messages_populated"], below)
    is_told = HIDDEN not in (feed.messages, populated)
    tells_elements = is_told and not any(
        is_small(row[name], below) for name in ("elements", "element_denominator")
    )
    redacted = redacted_verdict(row["messages_populated"], row["messages"], below)
    return FieldLine(
        data_model=feed.data_model,
        source=senders.senders[feed.sender].name,
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
        rate=row["request_rate"] if is_told else None,
        rate_low=row["rate_low"] if is_told else None,
        rate_high=row["rate_high"] if is_told else None,
        organization_rate=row["organization_rate"],
        element_rate=row["element_rate"] if tells_elements else None,
        observed_band=row["observed_band"],
        text=redacted or row["verdict_text"],
    )
