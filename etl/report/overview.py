"""The numbers at the head of a report: verdicts in all, per sender and data model, the worst fields.

One "check" is one field of one feed (sender and event type), as in quality.field_verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from etl.report.records import Facts, Verdict
from etl.report.senders import Senders
from etl.report.small_cells import HIDDEN, redacted_verdict, sum_text

JUDGED = (Verdict.MET, Verdict.BELOW, Verdict.ABOVE)


@dataclass(frozen=True, slots=True)
class Card:
    """The checks of one sender and data model; `messages` are those whose count is shown."""

    sender: str
    short: str
    data_model: str
    messages: int
    messages_text: str
    verdicts: Mapping[Verdict, int]

    @property
    def checks(self) -> int:
        """All checks."""
        return sum(self.verdicts.values())

    @property
    def judged(self) -> int:
        """Checks with a verdict on a rating."""
        return sum(self.verdicts.get(verdict, 0) for verdict in JUDGED)

    @property
    def kept(self) -> float | None:
        """The share of judged checks that keep their rating."""
        return self.verdicts.get(Verdict.MET, 0) / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class Worst:
    """A field that surely breaks its rating; `text` says how in the first of `where`."""

    path: str
    rating: str
    basis: str
    text: str
    where: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """All checks counted. `verdicts_by_basis`: verdict and basis ("" without a rating) -> checks."""

    total: Card
    cards: tuple[Card, ...]
    verdicts_by_basis: Mapping[tuple[Verdict, str], int]
    perhaps: int
    failing: int
    worst: tuple[Worst, ...]


def build_overview(
    facts: Facts, senders: Senders, *, suppress_below: int, worst: int = 15
) -> Overview:
    """Count the verdicts and pick the worst fields."""
    columns = facts.fields.select(["feed", "verdict", "rating_basis", "certainty", "fails_check"])
    counted = Counter(zip(*(column.to_pylist() for column in columns.columns), strict=True))
    for feed, checks in facts.left_out.items():
        counted[feed, Verdict.NOT_DOCUMENTED.value, None, None, False] += checks
    by_basis: Counter[tuple[Verdict, str]] = Counter()
    for (_, verdict, basis, _, _), checks in counted.items():
        by_basis[Verdict(verdict), basis or ""] += checks
    return Overview(
        total=Card("", "", "", senders.messages, senders.messages_text, _by_verdict(counted)),
        cards=tuple(_cards(counted, senders)),
        verdicts_by_basis=by_basis,
        perhaps=sum(n for key, n in counted.items() if key[3] == "perhaps"),
        failing=sum(n for key, n in counted.items() if key[4]),
        worst=tuple(islice(_worst(facts, senders, suppress_below), worst)),
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
        yield Card(own.name, own.short, data_model, shown, text, verdicts)


def _worst(facts: Facts, senders: Senders, below: int) -> Iterable[Worst]:
    """Broken fields, the furthest first; one field broken in several feeds stands once."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in _broken(facts):
        key = (row["path"], row["rating"], row["rating_basis"])
        groups.setdefault(key, []).append(row)
    for (path, rating, basis), rows in groups.items():
        where = tuple(senders.place_of(row["feed"]) for row in rows)
        yield Worst(path, rating, basis, _text(rows[0], below), where)


def _text(row: Mapping[str, Any], below: int) -> str:
    redacted = redacted_verdict(row["messages_populated"], row["messages"], below)
    return redacted or str(row["verdict_text"])


def _broken(facts: Facts) -> Iterable[Mapping[str, Any]]:
    """Rows below their rating; the facts are sorted worst first, so these stand together."""
    for batch in facts.fields.to_batches(max_chunksize=1024):
        for row in batch.to_pylist():
            if row["verdict"] != Verdict.BELOW:
                return
            yield row
