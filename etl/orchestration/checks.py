"""Asset checks of a load: specifications and results. The limits are compared in `etl.queries.verdicts`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg

from etl.orchestration.graph import LANDED, Graph, model_key
from etl.orchestration.tables import markdown_table, text_table
from etl.pipeline.batches import Refusal
from etl.plurals import counted
from etl.queries.feeds import BrokenRule, Window
from etl.queries.figures import Figures
from etl.queries.verdicts import (
    Part,
    Verdict,
    evaluate_errors,
    evaluate_quarantine,
    evaluate_warnings,
    ledger_balances,
)
from etl.sections import CheckSettings
from models.catalog.records import Catalog, DataModel

LEDGER = "ledger_adds_up"
QUARANTINE = "quarantine_share"
READABLE = "sources_readable"
ERRORS = "errors_within_limit"
WARNINGS = "warnings_within_limit"
MOST_PARTS = 25
MOST_NAMED = 3
MOST_REASONS = 5

UNBALANCED = (
    "Items are unaccounted for; do not change the home, and report this with the rows of "
    "quality.ledger_load."
)
# what to do when a share is above its limit
ACTIONS = {
    QUARANTINE: "the reasons and commands are in worst_reasons",
    ERRORS: "nothing is published; the rules, paths and commands are in worst_rules",
    WARNINGS: "the rules, paths and commands are in worst_rules",
}


def load_check_specs(graph: Graph) -> Iterator[dg.AssetCheckSpec]:
    """The checks that every load answers, of every data model.

    Errors do not fail the load, which did its work; publishing asks the same verdict and refuses.
    """
    yield dg.AssetCheckSpec(
        LEDGER,
        asset=LANDED,
        blocking=True,
        description="received + replayed = loaded + duplicate + quarantined + purged, in each load and "
        "in total",
    )
    yield dg.AssetCheckSpec(
        QUARANTINE,
        asset=LANDED,
        description="Of the items that the newest load brought from each folder, at most "
        "checks.quarantine_share are in quarantine; above checks.quarantine_error_share, nothing is published",
    )
    yield dg.AssetCheckSpec(
        READABLE, asset=LANDED, description="Every source of the batch could be read completely"
    )
    for model in graph.models:
        yield dg.AssetCheckSpec(
            ERRORS,
            asset=model_key(model),
            description="In the newest load of each source, the share of messages with errors is at "
            "most checks.error_share; above, nothing is published. An error is a value that was "
            "sent and is missing from its column.",
        )
        yield dg.AssetCheckSpec(
            WARNINGS,
            asset=model_key(model),
            description="In the newest load of each source, the share of messages with warnings is "
            "at most checks.warning_share",
        )


def landed_checks(
    figures: Figures, checks: CheckSettings, catalog: Catalog
) -> Iterator[dg.AssetCheckResult]:
    """Whether the ledger adds up, and how much is quarantined."""
    ledger = figures.ledger
    is_balanced = ledger_balances(ledger)
    yield dg.AssetCheckResult(
        asset_key=LANDED,
        check_name=LEDGER,
        passed=is_balanced,
        description="Every item is accounted for." if is_balanced else UNBALANCED,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "received": ledger.received,
            "loaded": ledger.loaded,
            "duplicate": ledger.duplicate,
            "quarantined": ledger.not_loaded,
            "purged": ledger.purged,
            "stored_messages": ledger.stored_messages,
            "unbalanced_loads": ledger.unbalanced_loads,
        },
    )
    yield _quarantine_check(figures, checks, catalog)


def _quarantine_check(
    figures: Figures, checks: CheckSettings, catalog: Catalog
) -> dg.AssetCheckResult:
    """Warn above one limit, fail above the other."""
    places = figures.lately.places
    warns = evaluate_quarantine(places, checks.quarantine_share)
    fails = evaluate_quarantine(places, checks.quarantine_error_share)
    verdict = warns if fails.passed else fails
    severity = dg.AssetCheckSeverity.WARN if fails.passed else dg.AssetCheckSeverity.ERROR
    more: dict[str, dg.MetadataValue] = {}
    if figures.lately.reasons:
        more["worst_reasons"] = worst_reasons(figures.lately.reasons, catalog)
    return _result(LANDED, QUARANTINE, verdict, severity, more)


def readable_check(refused: Sequence[Refusal]) -> dg.AssetCheckResult:
    """Whether every source of a batch could be read; those that could not be, by id and reason."""
    rows = [
        (one.label, one.reason, f"`redox-warehouse {one.label}`") for one in refused[:MOST_PARTS]
    ]
    table = markdown_table(("source", "why", "command that names the file"), rows)
    return dg.AssetCheckResult(
        asset_key=LANDED,
        check_name=READABLE,
        passed=not refused,
        description=f"{counted(len(refused), 'source')} could not be read; refused_sources says why, and "
        "how to find the file. Correct or replace it: a changed file is loaded automatically."
        if refused
        else "All could be read.",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "refused": len(refused),
            **({"refused_sources": dg.MetadataValue.md(table)} if refused else {}),
        },
    )


def model_checks(
    models: Iterable[DataModel], figures: Figures, checks: CheckSettings, catalog: Catalog
) -> Iterator[dg.AssetCheckResult]:
    """Whether errors and warnings of these data models are within the site's limits."""
    feeds = figures.lately.feeds
    for model in models:
        errors = evaluate_errors(feeds, model.name, checks)
        warnings = evaluate_warnings(feeds, model.name, checks)
        key, broken = model_key(model), figures.lately.broken
        for name, verdict, severity, kind in (
            (ERRORS, errors, dg.AssetCheckSeverity.ERROR, "error"),
            (WARNINGS, warnings, dg.AssetCheckSeverity.WARN, "warning"),
        ):
            own = [b for b in broken if b.data_model == model.name and b.severity == kind]
            more = {"worst_rules": worst_rules(own, catalog)} if own else {}
            yield _result(key, name, verdict, severity, more)


def worst_rules(broken: Iterable[BrokenRule], catalog: Catalog) -> dg.MetadataValue:
    """Rules with path, count, what to do and the command that lists the messages, as Markdown."""
    rows = []
    for one in broken:
        rule = catalog.rules.get(one.rule)
        command = (
            f"redox-warehouse findings --rule {one.rule} --model {one.data_model} "
            f"--path '{one.path}' --messages"
        )
        rows.append(
            (
                f"{one.findings:,}",
                f"[{one.rule}](/assets/findings?view=overview)",
                f"`{one.path}`",
                f"{rule.meaning} {rule.action}" if rule else "",
                f"`{command}`",
            )
        )
    return dg.MetadataValue.md(
        markdown_table(("findings", "rule", "path", "meaning and action", "command"), rows)
    )


def worst_reasons(reasons: Sequence[tuple[str, int]], catalog: Catalog) -> dg.MetadataValue:
    """The commonest reasons of quarantine: items, what to do, the command that lists them."""
    rows = []
    for reason, items in reasons[:MOST_REASONS]:
        rule = catalog.rules.get(reason)
        rows.append(
            (
                f"{items:,}",
                f"`{reason}`",
                f"{rule.meaning} {rule.action}" if rule else "",
                f"`redox-warehouse quarantine list --reason {reason}`",
            )
        )
    header = ("items", "reason", "meaning and action", "command")
    return dg.MetadataValue.md(markdown_table(header, rows))


def _result(
    key: dg.AssetKey,
    name: str,
    verdict: Verdict,
    severity: dg.AssetCheckSeverity,
    more: dict[str, dg.MetadataValue],
) -> dg.AssetCheckResult:
    newest = verdict.total(Window.NEWEST)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=verdict.passed,
        severity=severity,
        description=_describe(verdict, ACTIONS[name]),
        metadata={
            "share": newest.share,
            "count": newest.count,
            "total": newest.total,
            "limit": verdict.limit,
            "share_24_hours": verdict.total(Window.DAY).share,
            "share_7_days": verdict.total(Window.WEEK).share,
            "share_all_time": verdict.total(Window.ALL).share,
            **more,
            "by_feed": _parts_table(verdict.parts),
        },
    )


def _describe(verdict: Verdict, action: str) -> str:
    """The newest shares in words, and what to do where one is too large."""
    windows = ", ".join(f"{w} {verdict.total(w).share:.2%}" for w in Window if w != Window.NEWEST)
    newest = verdict.total(Window.NEWEST)
    if not newest.total:
        return f"Nothing arrived in the last 24 hours ({windows})."
    if verdict.passed:
        return f"{_share(newest)}, limit {verdict.limit:.2%} ({windows})."
    named = "; ".join(f"{part.label} {_share(part)}" for part in verdict.above[:MOST_NAMED])
    others = len(verdict.above) - MOST_NAMED
    more = f" and {others} more" if others > 0 else ""
    return f"{named}{more}, limit {verdict.limit:.2%} (of all: {windows}); {action}."


def _share(part: Part) -> str:
    return f"{part.count:,} of {part.total:,} ({part.share:.2%})"


def _parts_table(parts: Iterable[Part]) -> dg.MetadataValue:
    columns = (("window", "string"), ("feed", "string"), ("count", "int"), ("total", "int"))
    rows = [(part.window.value, part.label, part.count, part.total) for part in parts]
    return text_table(*columns, rows=rows[:MOST_PARTS])
