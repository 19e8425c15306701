"""Compares what came lately with the site's thresholds; what blocks publishing is decided here, once.

The newest load of each feed decides, so a bad batch is seen beside millions of good messages and a
good one ends it. Days, weeks and all time stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from etl.errors import PermanentError
from etl.queries.feeds import FeedShare, PlaceShare, Window
from etl.queries.figures import Figures, LedgerFigures, read_figures
from etl.sections import CheckSettings
from etl.settings import Settings


@dataclass(frozen=True, slots=True)
class Part:
    """A share of one feed or place, `label`, in one window: `count` of `total`."""

    window: Window
    label: str
    count: int
    total: int

    @property
    def share(self) -> float:
        """Return the share, 0 of nothing."""
        return self.count / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Shares compared with a limit, worst first; `above` are the newest that are too high."""

    limit: float
    parts: tuple[Part, ...]

    @property
    def above(self) -> tuple[Part, ...]:
        """Return the feeds whose newest load is above the limit."""
        return tuple(part for part in self.newest if part.share > self.limit)

    @property
    def newest(self) -> tuple[Part, ...]:
        """Return the shares of the newest loads."""
        return tuple(part for part in self.parts if part.window is Window.NEWEST)

    @property
    def passed(self) -> bool:
        """True if no feed is above the limit."""
        return not self.above

    def total(self, window: Window) -> Part:
        """Return all feeds of a window together."""
        own = [part for part in self.parts if part.window is window]
        return Part(window, "all", sum(p.count for p in own), sum(p.total for p in own))


def _verdict(parts: Iterable[Part], limit: float) -> Verdict:
    order = {window: number for number, window in enumerate(Window)}
    ordered = sorted(parts, key=lambda part: (order[part.window], -part.share, part.label))
    return Verdict(limit, tuple(ordered))


def ledger_balances(ledger: LedgerFigures) -> bool:
    """True if every received item has exactly one fate, in each load and in total."""
    fates = ledger.loaded + ledger.duplicate + ledger.not_loaded + ledger.purged
    return (
        ledger.unbalanced_loads == 0
        and ledger.received == fates
        and ledger.stored_messages <= ledger.loaded
    )


def evaluate_quarantine(places: Sequence[PlaceShare], limit: float) -> Verdict:
    """Compare the share of items in open quarantine, by the place they arrived in."""
    return _verdict(
        (Part(one.window, one.place, one.quarantined, one.items) for one in places), limit
    )


def evaluate_errors(feeds: Sequence[FeedShare], model: str, checks: CheckSettings) -> Verdict:
    """Compare the share of a model's messages that have an error, by source."""
    own = (one for one in feeds if one.data_model == model)
    parts = (Part(o.window, o.source_label, o.with_errors, o.messages) for o in own)
    return _verdict(parts, checks.error_share)


def evaluate_warnings(feeds: Sequence[FeedShare], model: str, checks: CheckSettings) -> Verdict:
    """Compare the share of a model's messages that have a warning, by source."""
    own = (one for one in feeds if one.data_model == model)
    parts = (Part(o.window, o.source_label, o.with_warnings, o.messages) for o in own)
    return _verdict(parts, checks.warning_share)


def publishing_blockers(figures: Figures, checks: CheckSettings) -> tuple[str, ...]:
    """Return what stands against publishing, in words; empty when nothing does."""
    blockers = [] if ledger_balances(figures.ledger) else ["the ledger does not add up"]
    for name in sorted(figures.models):
        verdict = evaluate_errors(figures.lately.feeds, name, checks)
        blockers += [
            f"{name} from {part.label} has errors in {part.count:,} of {part.total:,} "
            "messages of its newest load"
            for part in verdict.above
        ]
    quarantine = evaluate_quarantine(figures.lately.places, checks.quarantine_error_share)
    blockers += [
        f"of the newest load from {part.label} {part.count:,} of {part.total:,} items are in "
        "quarantine"
        for part in quarantine.above
    ]
    return tuple(blockers)


def require_publishable(settings: Settings) -> Figures:
    """Return the figures now. Raises PermanentError that names everything that blocks publishing."""
    figures = read_figures(settings)
    blockers = publishing_blockers(figures, settings.checks)
    if blockers:
        raise PermanentError(
            f"Nothing was published because {'; '.join(blockers)}. Look at `redox-warehouse findings "
            "--severity error` and `redox-warehouse quarantine list`; then load a corrected batch, "
            "raise checks.error_share or checks.quarantine_error_share, or publish as it is with "
            "`redox-warehouse publish`."
        )
    return figures
