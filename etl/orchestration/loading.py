"""The load as one multi-asset: landed objects, data models, findings, population counts.

One step, because one transaction writes them all; a run emits only the data models it touched.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from etl.answers.figures import Figures, read_figures
from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.checks import (
    landed_checks,
    load_check_specs,
    model_checks,
    readable_check,
)
from etl.orchestration.graph import (
    ARRIVAL,
    FINDINGS,
    INCOMING,
    LANDED,
    POPULATION,
    QUALITY,
    WAREHOUSE_POOL,
    WATCHED,
    Graph,
    model_key,
)
from etl.orchestration.home import Home
from etl.orchestration.metadata import (
    findings_metadata,
    landed_metadata,
    model_metadata,
    population_metadata,
)
from etl.orchestration.progress import log_progress
from etl.pipeline.batches import BatchSummary, load_batch
from etl.pipeline.pull import recover_pull
from etl.pipeline.records import LoadSummary, Progress
from etl.pipeline.sources import Sources
from etl.pipeline.watch import load_waiting, read_batch
from etl.settings import Settings
from models.catalog.records import DataModel

LOAD_STEP = "load_messages"


class LoadConfig(dg.Config):
    """What to load. Without a batch and paths: everything that waits in the watched paths.

    `batch` is the name of a listing the sensor kept. `paths` are folders, globs or URLs; they are
    stored with the run, so name folders rather than files. `unwrap` is the key of envelopes,
    `in_place` keeps only where the bytes are.
    """

    batch: str = ""
    paths: list[str] = []  # noqa: RUF012
    unwrap: str = ""
    in_place: bool = False


def load_specs(graph: Graph) -> list[dg.AssetSpec]:
    """The assets that one load writes."""
    models = list(graph.model_specs())
    keys = [spec.key for spec in models]
    return [
        graph.spec(
            LANDED,
            "Received bytes, kept exactly as they came: files, objects of a bucket, closed segments "
            "of the webhook, replies of pulls. Known by content, so nothing is loaded twice.",
            group=ARRIVAL,
            kinds={"file"},
            deps=[INCOMING, WATCHED],
            skippable=True,
        ),
        *models,
        graph.spec(
            FINDINGS,
            "What is odd or wrong in the data, by rule and severity: `quality.finding` (warnings and "
            "errors, one row each) and `quality.finding_count`.",
            group=QUALITY,
            kinds={"duckdb"},
            deps=keys,
            skippable=True,
            metadata={"dagster/table_name": "quality.finding"},
        ),
        graph.spec(
            POPULATION,
            "How often every field is filled, by day, source, data model and event type: "
            "`quality.path_count` over `quality.message_count`.",
            group=QUALITY,
            kinds={"duckdb"},
            deps=keys,
            skippable=True,
            metadata={"dagster/table_name": "quality.path_count"},
        ),
    ]


def build_load(graph: Graph) -> dg.AssetsDefinition:
    """The multi-asset of the load; selecting a part emits that part of what the load did."""

    @dg.multi_asset(
        name=LOAD_STEP,
        specs=load_specs(graph),
        check_specs=list(load_check_specs(graph)),
        can_subset=True,
        pool=WAREHOUSE_POOL,
    )
    def load_messages(
        context: dg.AssetExecutionContext, config: LoadConfig, home: Home
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            batch = BatchSummary(LoadSummary(), ())
            if context.selected_asset_keys:
                batch = run_load(settings, config, log_progress(context.log))
            for refusal in batch.refused:
                context.log.error(f"{refusal.label}: {refusal.reason}")
            figures = read_figures(settings, batch.loaded.load_ids)
            touched = [model for model in graph.models if batch.loaded.models.get(model.name)]
            yield from materializations(context.selected_asset_keys, touched, batch, figures)
            yield from chosen_checks(context, settings, graph.models, figures, batch)
            context.log.info(tell_load(batch.loaded))
            if batch.loaded.quarantined:
                context.log.warning(tell_quarantined(batch.loaded.quarantined))

    return load_messages


def tell_load(loaded: LoadSummary) -> str:
    """What a run did, in a line that ends its log, below the results of all checks."""
    models = ", ".join(
        f"{name} {count:,}" for name, count in sorted(loaded.models.items()) if count
    )
    return (
        f"Objects {loaded.objects:,}; received {loaded.received:,} = loaded {loaded.loaded:,} + "
        f"duplicate {loaded.duplicate:,} + quarantined {loaded.quarantined:,}"
        f"{f' ({models})' if models else ''}"
    )


def tell_quarantined(count: int) -> str:
    """What to do about items that are no message."""
    return (
        f"Quarantined {count:,} because they are no loadable message; `redox-warehouse quarantine "
        "list` tells why, the job replay_quarantine tries them again."
    )


def run_load(settings: Settings, config: LoadConfig, progress: Progress) -> BatchSummary:
    """Load the batch, the paths, or what waits."""
    if config.batch:
        recover_pull(settings)
        return load_batch(settings, read_batch(settings, config.batch), progress)
    if config.paths:
        sources = Sources(settings.buckets, home=settings.home).list(config.paths)
        return load_batch(
            settings, sources, progress, unwrap=config.unwrap, in_place=config.in_place
        )
    return load_waiting(settings, datetime.now(UTC), progress)


def materializations(
    selected: set[dg.AssetKey] | frozenset[dg.AssetKey],
    touched: list[DataModel],
    batch: BatchSummary,
    figures: Figures,
) -> Iterator[dg.MaterializeResult[None]]:
    """The selected assets that the load changed."""
    results: list[dg.MaterializeResult[None]] = []
    if batch.loaded.objects or batch.refused:
        results.append(dg.MaterializeResult(LANDED, metadata=landed_metadata(batch, figures)))
    for model in touched:
        metadata = model_metadata(model, batch.loaded, figures)
        results.append(dg.MaterializeResult(model_key(model), metadata=metadata))
    if batch.loaded.loads:
        results.append(dg.MaterializeResult(FINDINGS, metadata=findings_metadata(figures)))
        results.append(dg.MaterializeResult(POPULATION, metadata=population_metadata(figures)))
    yield from (result for result in results if result.asset_key in selected)


def chosen_checks(
    context: dg.AssetExecutionContext,
    settings: Settings,
    models: Sequence[DataModel],
    figures: Figures,
    batch: BatchSummary,
) -> Iterator[dg.AssetCheckResult]:
    """The results of the checks that were selected."""
    was_read = bool(context.selected_asset_keys)
    results = [
        *landed_checks(figures, settings.checks),
        *([readable_check(len(batch.refused))] if was_read else []),
        *model_checks(models, figures, settings.checks),
    ]
    chosen = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
    yield from (r for r in results if (r.asset_key, r.check_name) in chosen)
