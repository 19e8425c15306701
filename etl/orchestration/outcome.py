"""What a step did, as events: materializations of everything it touched, and all checks.

The same for a load, a replay, a reload and a run of which a person selected a part, so that the
graph never contradicts the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from etl.orchestration.checks import landed_checks, model_checks, readable_check
from etl.orchestration.graph import FINDINGS, LANDED, POPULATION, Graph, model_key
from etl.orchestration.metadata import (
    findings_metadata,
    landed_metadata,
    model_metadata,
    population_metadata,
    reloaded_metadata,
)
from etl.pipeline.batches import BatchSummary
from etl.queries.figures import Figures
from etl.settings import Settings
from models.catalog.records import DataModel

Result = dg.MaterializeResult[None] | dg.AssetCheckResult


def load_results(
    graph: Graph, settings: Settings, batch: BatchSummary, figures: Figures
) -> Iterator[Result]:
    """What a load or replay changed, and every check."""
    loaded = batch.loaded
    if loaded.objects or batch.refused:
        yield dg.MaterializeResult(LANDED, metadata=landed_metadata(batch, figures, settings))
    for model in _touched(graph, loaded.models):
        metadata = model_metadata(model, loaded, figures, settings)
        yield dg.MaterializeResult(model_key(model), metadata=metadata)
    if loaded.loads:
        yield from _quality(graph, settings, figures)
    yield from check_results(graph, settings, figures)
    yield readable_check(batch.refused)


def reload_results(graph: Graph, settings: Settings, figures: Figures) -> Iterator[Result]:
    """What a reload made again, and every check but that of sources, which it does not read."""
    counts = {name: numbers.messages_touched for name, numbers in figures.models.items()}
    for model in _touched(graph, counts):
        metadata = reloaded_metadata(model, figures, settings)
        yield dg.MaterializeResult(model_key(model), metadata=metadata)
    if any(counts.values()):
        yield from _quality(graph, settings, figures)
    yield from check_results(graph, settings, figures)


def check_results(
    graph: Graph, settings: Settings, figures: Figures
) -> Iterator[dg.AssetCheckResult]:
    """The checks of the warehouse as it is."""
    yield from landed_checks(figures, settings.checks, graph.catalog)
    seen = [model for model in graph.all_models if model.name in figures.models]
    known = [model for model in graph.models if model.name not in figures.models]
    yield from model_checks([*seen, *known], figures, settings.checks, graph.catalog)


def _quality(graph: Graph, settings: Settings, figures: Figures) -> Iterator[Result]:
    metadata = findings_metadata(figures, graph.catalog, settings)
    yield dg.MaterializeResult(FINDINGS, metadata=metadata)
    yield dg.MaterializeResult(POPULATION, metadata=population_metadata(figures, settings))


def _touched(graph: Graph, counts: dict[str, int]) -> list[DataModel]:
    return [model for model in graph.all_models if counts.get(model.name)]


def emit(results: Iterable[Result], context: dg.AssetExecutionContext) -> Iterator[Result]:
    """Yield what the run selected; log the rest, which happened just as well."""
    checks = context.selected_asset_check_keys
    for result in results:
        if isinstance(result, dg.MaterializeResult):
            is_selected = result.asset_key in context.selected_asset_keys
        else:
            is_selected = check_key(result) in checks
        if is_selected:
            yield result
        else:
            log_result(context.op_execution_context, result)


def check_key(result: dg.AssetCheckResult) -> dg.AssetCheckKey:
    """Return the key of a check's result."""
    assert result.asset_key is not None and result.check_name is not None
    return dg.AssetCheckKey(result.asset_key, result.check_name)


def log_result(context: dg.OpExecutionContext, result: Result) -> None:
    """Log a result that is no output of the step, so that its asset or check shows it."""
    event: Any = _as_event(result)  # checks are allowed, the annotation does not say so
    context.log_event(event)


def _as_event(result: Result) -> dg.AssetMaterialization | dg.AssetCheckEvaluation:
    assert result.asset_key is not None
    if isinstance(result, dg.MaterializeResult):
        return dg.AssetMaterialization(result.asset_key, metadata=result.metadata or {})
    return dg.AssetCheckEvaluation(
        asset_key=result.asset_key,
        check_name=result.check_name or "",
        passed=result.passed,
        metadata=result.metadata,
        severity=result.severity,
        description=result.description,
    )


def first_seen(graph: Graph, figures: Figures) -> list[str]:
    """Return the data models that the warehouse has and the graph does not show yet."""
    shown = {model.name for model in graph.models}
    return sorted(name for name in figures.models if name not in shown)
