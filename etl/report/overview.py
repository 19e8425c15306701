"""The numbers at the head of a report: verdicts in all, per sender and data model, the worst fields.

One "check" is one field of one feed (sender and event type), as in quality.field_verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from etl.report.changes import shown_rates
from etl.report.records import Facts, Verdict
from etl.report.senders import Senders
from etl.report.small_cells import HIDDEN, is_small, redacted_verdict, sum_text

EVALUATED = (Verdict.MET, Verdict.BELOW, Verdict.ABOVE)
FALLING = ("fell", "vanished")


@dataclass(frozen=True, slots=True)
class Card:
    """The checks of one sender and data model; `messages` are those whose count is shown."""

    sender: str
    short: str
    source: str
    id_beside: str
    data_model: str
    messages: int
    messages_text: str
    verdicts: Mapping[Verdict, int]

    @property
    def checks(self) -> int:
        """All checks."""
        return sum(self.verdicts.values())

    @property
    def evaluated(self) -> int:
        """Checks with a verdict on a rating."""
        return sum(self.verdicts.get(verdict, 0) for verdict in EVALUATED)

    @property
    def is_told(self) -> bool:
        """True if something of it was evaluated, or arrives unlisted."""
        return bool(self.evaluated or self.verdicts.get(Verdict.NOT_LISTED, 0))

    @property
    def kept(self) -> float | None:
        """The share of evaluated checks that keep their rating."""
        return self.verdicts.get(Verdict.MET, 0) / self.evaluated if self.evaluated else None


@dataclass(frozen=True, slots=True)
class Fall:
    """The day from which on a field was filled less; rates are None where hidden."""

    day: date
    past_rate: float | None
    recent_rate: float | None


@dataclass(frozen=True, slots=True)
class Below:
    """One check that surely breaks its rating; counts and rates are None where hidden.

    `fall` is its last one, None where it was low all along.
    """

    sender: str
    data_model: str
    event_type: str
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    messages: int | None
    fails_check: bool
    fall: Fall | None
    text: str

    @property
    def since(self) -> date | None:
        """The day from which on it is low, None where it was low all along."""
        return self.fall.day if self.fall else None

    @property
    def where(self) -> str:
        """Sender, data model and event type in words."""
        return f"{self.sender} · {self.data_model} {self.event_type}"


@dataclass(frozen=True, slots=True)
class Worst:
    """A field that surely breaks its rating, in one or many feeds: the worst first."""

    path: str
    rating: str
    basis: str
    checks: tuple[Below, ...]

    @property
    def senders(self) -> tuple[str, ...]:
        """Whose field it is."""
        return tuple(dict.fromkeys(check.sender for check in self.checks))


@dataclass(frozen=True, slots=True)
class Overview:
    """All checks counted. `rated` have a rating; `perhaps` are met only perhaps; `failing` fail."""

    total: Card
    cards: tuple[Card, ...]
    rated: int
    perhaps: int
    failing: int
    worst: tuple[Worst, ...]

    @property
    def rated_share(self) -> float:
        """The share of all checks that have a rating at all."""
        return self.rated / self.total.checks if self.total.checks else 0.0


def build_overview(
    facts: Facts, senders: Senders, *, suppress_below: int, worst: int = 15
) -> Overview:
    """Count the verdicts and pick the worst fields, at most `worst` of them (-1: all)."""
    columns = facts.fields.select(["feed", "verdict", "rating_basis", "certainty", "fails_check"])
    counted = Counter(zip(*(column.to_pylist() for column in columns.columns), strict=True))
    for (feed, verdict), checks in facts.left_out.items():
        counted[feed, verdict, None, None, False] += checks
    found = _worst(facts, senders, suppress_below)
    total = Card("", "", "", "", "", senders.messages, senders.messages_text, _by_verdict(counted))
    return Overview(
        total=total,
        cards=tuple(_cards(counted, senders)),
        rated=sum(n for key, n in counted.items() if key[2]),
        perhaps=sum(n for key, n in counted.items() if key[3] == "perhaps"),
        failing=sum(n for key, n in counted.items() if key[4]),
        worst=tuple(islice(found, None if worst < 0 else worst)),
    )


def _by_verdict(counted: Mapping[tuple[Any, ...], int]) -> Counter[Verdict]:
    verdicts: Counter[Verdict] = Counter()
    for (_, verdict, *_), checks in counted.items():
        verdicts[Verdict(verdict)] += checks
    return verdicts


def _cards(counted: Mapping[tuple[Any, ...], int], senders: Senders) -> Iterable[Card]:
    groups: dict[tuple[int, str], Counter[Verdict]] = {}
    messages: dict[tuple[int, str], list[int]] = {}
    for feed in senders.feeds:
        groups.setdefault((feed.sender, feed.data_model), Counter())
        messages.setdefault((feed.sender, feed.data_model), []).append(feed.messages)
    for (number, verdict, *_), checks in counted.items():
        feed = senders.feeds[number]
        groups[feed.sender, feed.data_model][Verdict(verdict)] += checks
    for (sender, data_model), verdicts in groups.items():
        own, counts = senders.senders[sender], messages[sender, data_model]
        shown = sum(count for count in counts if count != HIDDEN)
        text = sum_text(shown, is_partial=HIDDEN in counts)
        yield Card(
            own.label, own.short, own.source, own.id_beside, data_model, shown, text, verdicts
        )


def _worst(facts: Facts, senders: Senders, below: int) -> Iterable[Worst]:
    """Broken fields, the furthest first; one field broken in several feeds stands once."""
    falls = _falls(facts, below)
    groups: dict[tuple[str, str, str], list[Below]] = {}
    for row in _broken(facts):
        key = (row["path"], row["rating"], row["rating_basis"])
        fall = falls.get((row["feed"], row["path"]))
        groups.setdefault(key, []).append(_below(row, senders, below, fall))
    for (path, rating, basis), checks in groups.items():
        yield Worst(path, rating, basis, tuple(checks))


def _falls(facts: Facts, below: int) -> dict[tuple[int, str], Fall]:
    """The last fall of each field of a feed."""
    rows = [row for row in facts.changes.to_pylist() if row["kind"] in FALLING]
    return {
        (row["feed"], row["path"]): Fall(row["day"], *shown_rates(row, below))
        for row in sorted(rows, key=lambda row: row["day"])
    }


def _below(row: Mapping[str, Any], senders: Senders, below: int, fall: Fall | None) -> Below:
    feed = senders.feeds[row["feed"]]
    redacted = redacted_verdict(row["messages_populated"], row["messages"], below)
    is_shown = feed.messages != HIDDEN and not is_small(row["messages_populated"], below)
    return Below(
        sender=senders.senders[feed.sender].label,
        data_model=feed.data_model,
        event_type=feed.event_type,
        rate=row["request_rate"] if is_shown else None,
        rate_low=row["rate_low"] if is_shown else None,
        rate_high=row["rate_high"] if is_shown else None,
        messages=None if feed.messages == HIDDEN else feed.messages,
        fails_check=row["fails_check"],
        fall=fall,
        text=redacted or str(row["verdict_text"]),
    )


def _broken(facts: Facts) -> Iterable[Mapping[str, Any]]:
    """Rows below their rating; the facts are sorted worst first, so these stand together."""
    for batch in facts.fields.to_batches(max_chunksize=1024):
        for row in batch.to_pylist():
            if row["verdict"] != Verdict.BELOW:
                return
            yield row
