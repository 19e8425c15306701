"""Judges figures against the site's thresholds; what blocks publishing is decided here, once."""

from __future__ import annotations

from dataclasses import dataclass

from etl.answers.figures import Figures, LedgerFigures, ModelFigures, read_figures
from etl.errors import PermanentError
from etl.settings import CheckSettings, Settings


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judged share: `count` of `total`, above `limit` or not."""

    passed: bool
    count: int
    total: int
    limit: float

    @property
    def share(self) -> float:
        """The share, 0 of nothing."""
        return self.count / self.total if self.total else 0.0


def _judge(count: int, total: int, limit: float) -> Verdict:
    share = count / total if total else 0.0
    return Verdict(share <= limit, count, total, limit)


def ledger_balances(ledger: LedgerFigures) -> bool:
    """Whether every received item has exactly one fate, in each load and in total."""
    fates = ledger.loaded + ledger.duplicate + ledger.not_loaded
    return (
        ledger.unbalanced_loads == 0
        and ledger.received == fates
        and ledger.stored_messages <= ledger.loaded
    )


def judge_quarantine(ledger: LedgerFigures, checks: CheckSettings) -> Verdict:
    """The share of received items that lie in open quarantine."""
    return _judge(ledger.open_quarantine, ledger.received, checks.quarantine_share)


def judge_errors(model: ModelFigures, checks: CheckSettings) -> Verdict:
    """The share of a model's messages that have an error."""
    return _judge(model.messages_with.get("error", 0), model.messages, checks.error_share)


def judge_warnings(model: ModelFigures, checks: CheckSettings) -> Verdict:
    """The share of a model's messages that have a warning."""
    return _judge(model.messages_with.get("warning", 0), model.messages, checks.warning_share)


def publishing_blockers(figures: Figures, checks: CheckSettings) -> tuple[str, ...]:
    """What stands against publishing, in words; empty when nothing does."""
    blockers = [] if ledger_balances(figures.ledger) else ["the ledger does not add up"]
    for name, model in sorted(figures.models.items()):
        verdict = judge_errors(model, checks)
        if not verdict.passed:
            blockers.append(f"{name} has errors in {verdict.count:,} of {verdict.total:,} messages")
    return tuple(blockers)


def require_publishable(settings: Settings) -> Figures:
    """The figures now. Raises PermanentError that names everything that blocks publishing."""
    figures = read_figures(settings)
    blockers = publishing_blockers(figures, settings.checks)
    if blockers:
        raise PermanentError(
            f"Nothing was published because {'; '.join(blockers)}; look at `redox-warehouse "
            "findings`, mend and reload, or raise checks.error_share."
        )
    return figures
