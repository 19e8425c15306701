"""Asset checks of a load: specifications and results. What they judge lives in `etl.answers.verdicts`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dagster as dg

from etl.answers.figures import Figures, ModelFigures
from etl.answers.verdicts import (
    Verdict,
    judge_errors,
    judge_quarantine,
    judge_warnings,
    ledger_balances,
)
from etl.orchestration.graph import LANDED, Graph, model_key
from etl.plurals import counted
from etl.settings import CheckSettings
from models.catalog.records import DataModel

LEDGER = "ledger_adds_up"
QUARANTINE = "quarantine_share"
READABLE = "sources_readable"
ERRORS = "errors_within_limit"
WARNINGS = "warnings_within_limit"

UNBALANCED = (
    "Items are unaccounted for; keep the home as it is and report this with the rows of "
    "quality.ledger_load."
)
# what to do when a share is above its limit
ACTIONS = {
    QUARANTINE: "`redox-warehouse quarantine list` tells why and what to do",
    ERRORS: "`redox-warehouse findings --severity error` tells which; publishing waits",
    WARNINGS: "`redox-warehouse findings` tells which rules and what to do",
}


def load_check_specs(graph: Graph) -> Iterator[dg.AssetCheckSpec]:
    """The checks that every load answers, of every data model.

    Errors do not fail the load, which did its work; publishing asks the same verdict and refuses.
    """
    yield dg.AssetCheckSpec(
        LEDGER,
        asset=LANDED,
        blocking=True,
        description="received + replayed = loaded + duplicate + quarantined, in each load and in total",
    )
    yield dg.AssetCheckSpec(
        QUARANTINE,
        asset=LANDED,
        description="The share of items in open quarantine is at most checks.quarantine_share",
    )
    yield dg.AssetCheckSpec(
        READABLE, asset=LANDED, description="Every source of the batch could be read to its end"
    )
    for model in graph.models:
        yield dg.AssetCheckSpec(
            ERRORS,
            asset=model_key(model),
            description="The share of messages with errors is at most checks.error_share; "
            "above, the step published_version refuses to publish",
        )
        yield dg.AssetCheckSpec(
            WARNINGS,
            asset=model_key(model),
            description="The share of messages with warnings is at most checks.warning_share",
        )


def landed_checks(figures: Figures, checks: CheckSettings) -> Iterator[dg.AssetCheckResult]:
    """Whether the ledger adds up, and how much is quarantined."""
    ledger = figures.ledger
    is_balanced = ledger_balances(ledger)
    yield dg.AssetCheckResult(
        asset_key=LANDED,
        check_name=LEDGER,
        passed=is_balanced,
        description="Every item has one fate." if is_balanced else UNBALANCED,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "received": ledger.received,
            "loaded": ledger.loaded,
            "duplicate": ledger.duplicate,
            "quarantined": ledger.not_loaded,
            "stored_messages": ledger.stored_messages,
            "unbalanced_loads": ledger.unbalanced_loads,
        },
    )
    quarantine = judge_quarantine(ledger, checks)
    yield _result(LANDED, QUARANTINE, quarantine, dg.AssetCheckSeverity.WARN)


def readable_check(refused: int) -> dg.AssetCheckResult:
    """Whether every source of a batch could be read."""
    return dg.AssetCheckResult(
        asset_key=LANDED,
        check_name=READABLE,
        passed=refused == 0,
        description=f"{counted(refused, 'source')} could not be read; the run's log says why, the "
        "sweep tries again."
        if refused
        else "All could be read.",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"refused": refused},
    )


def model_checks(
    models: Iterable[DataModel], figures: Figures, checks: CheckSettings
) -> Iterator[dg.AssetCheckResult]:
    """Whether errors and warnings of these data models are within the site's limits.

    A data model that was never seen has nothing against it; without a result Dagster's log would
    end with a line that names the checks it misses.
    """
    for model in models:
        numbers = figures.models.get(model.name, ModelFigures())
        errors, warnings = judge_errors(numbers, checks), judge_warnings(numbers, checks)
        yield _result(model_key(model), ERRORS, errors, dg.AssetCheckSeverity.ERROR)
        yield _result(model_key(model), WARNINGS, warnings, dg.AssetCheckSeverity.WARN)


def _result(
    key: dg.AssetKey, name: str, verdict: Verdict, severity: dg.AssetCheckSeverity
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=verdict.passed,
        severity=severity,
        description=_tell(verdict, ACTIONS[name]),
        metadata={
            "share": verdict.share,
            "count": verdict.count,
            "total": verdict.total,
            "limit": verdict.limit,
        },
    )


def _tell(verdict: Verdict, action: str) -> str:
    """The share in words, and what to do where it is too large."""
    told = (
        f"{verdict.count:,} of {verdict.total:,} ({verdict.share:.2%}), limit {verdict.limit:.2%}"
    )
    return f"{told}." if verdict.passed else f"{told}; {action}."
