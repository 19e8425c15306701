"""The load as one multi-asset: landed objects, data models, findings, population counts.

One step, because one transaction writes them all; a run emits only the data models it touched.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import dagster as dg
from pydantic import Field

from etl.lake.homes import open_home
from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.checks import load_check_specs
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
)
from etl.orchestration.home import Home
from etl.orchestration.outcome import (
    check_key,
    check_results,
    emit,
    first_seen,
    load_results,
)
from etl.orchestration.progress import log_progress
from etl.pipeline.batches import BatchSummary, load_batch
from etl.pipeline.opening import Recipe, known_encoding
from etl.pipeline.pull import recover_pull
from etl.pipeline.records import LoadSummary, Progress
from etl.pipeline.sources import Sources
from etl.pipeline.watch import count_left_out, load_waiting, read_batch
from etl.queries.figures import Figures, read_figures
from etl.settings import Settings

LOAD_STEP = "load_messages"


class LoadConfig(dg.Config):
    """What to load. Without a batch and paths: everything that waits in the watched paths."""

    batch: str = Field(
        default="",
        description="The name of a listing that the sensor wrote to HOME/batches; leave it empty.",
    )
    paths: list[str] = Field(
        default=[],
        description="Folders, globs or URLs to load. They are stored with the run: name folders, not "
        "files, whose names may hold patients' names. Empty: everything that is waiting in HOME/incoming "
        "and watch.paths.",
    )
    unwrap: str = Field(
        default="",
        description="The key of the envelope in which each message is, such as body. Empty: there "
        "are no envelopes.",
    )
    encoding: str = Field(
        default="",
        description="The encoding of text that is not UTF-8 and has no byte order mark, such as cp1252.",
    )
    column: str = Field(
        default="",
        description="For tables (CSV with a header, Parquet), the column that holds the messages.",
    )
    received_at: str = Field(
        default="",
        description="The column that holds the times they were received. Empty: none.",
    )
    in_place: bool = Field(
        default=False,
        description="Keep only the location and hash of the bytes, not a copy.",
    )


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
            "What is wrong or unusual in the data, by rule and severity: `quality.finding` (warnings and "
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
            if not context.selected_asset_keys:
                yield from _checks_alone(graph, settings, context)
                return
            batch = run_load(settings, config, log_progress(context.log))
            for refusal in batch.refused:
                context.log.error(f"{refusal.label}: {refusal.reason}")
            figures = read_figures(settings, batch.loaded.load_ids)
            results = list(load_results(graph, settings, batch, figures))
            yield from emit(results, context)
            _say_what_was_done(graph, context, batch, figures)

    return load_messages


def _checks_alone(
    graph: Graph, settings: Settings, context: dg.AssetExecutionContext
) -> Iterator[dg.AssetCheckResult]:
    """The selected checks of the warehouse as it is; nothing is loaded."""
    chosen = context.selected_asset_check_keys
    for result in check_results(graph, settings, read_figures(settings)):
        if check_key(result) in chosen:
            yield result


def _say_what_was_done(
    graph: Graph, context: dg.AssetExecutionContext, batch: BatchSummary, figures: Figures
) -> None:
    """End the log with what happened, below the results of all checks."""
    loaded = batch.loaded
    context.log.info(describe_load(loaded))
    if loaded.quarantined:
        context.log.warning(describe_quarantined(loaded.quarantined))
    if len(context.selected_asset_keys) < len(context.assets_def.keys) and loaded.loads:
        context.log.info(
            "A part of the load was selected, but one transaction loads all data models: "
            "everything that was waiting was loaded, and its materializations and checks are in this run."
        )
    if new := first_seen(graph, figures):
        context.log.info(
            f"Seen for the first time: {', '.join(new)}. Press Reload definitions (Deployment, Code "
            "locations) to see them in the graph."
        )


def describe_load(loaded: LoadSummary) -> str:
    """What a run did, in a line that ends its log, below the results of all checks."""
    models = ", ".join(
        f"{name} {count:,}" for name, count in sorted(loaded.models.items()) if count
    )
    return (
        f"Objects {loaded.objects:,}; received {loaded.received:,} = loaded {loaded.loaded:,} + "
        f"duplicate {loaded.duplicate:,} + quarantined {loaded.quarantined:,}"
        f"{f' + purged {loaded.purged:,}' if loaded.purged else ''}"
        f"{f' ({models})' if models else ''}"
    )


def describe_quarantined(count: int) -> str:
    """What to do about items that are no message."""
    return (
        f"Quarantined {count:,} because they are not loadable messages; `redox-warehouse quarantine "
        "list` shows why, and the job replay_quarantine tries to load them again."
    )


def run_load(settings: Settings, config: LoadConfig, progress: Progress) -> BatchSummary:
    """Load the batch, the paths, or what waits; into a lake in this process, one task at a time."""
    opened = partial(open_home, settings, progress)
    if config.batch:
        recover_pull(settings)
        return load_batch(settings, read_batch(settings, config.batch), progress, opened=opened)
    if config.paths:
        sources = Sources(settings.buckets, home=settings.home)
        recipe = Recipe(
            config.unwrap, known_encoding(config.encoding), config.column, config.received_at
        )
        batch = load_batch(
            settings,
            sources.list(config.paths),
            progress,
            unwrap=recipe.to_text(),
            in_place=config.in_place,
            opened=opened,
        )
        return replace(batch, left_out=count_left_out(sources.left_out))
    return load_waiting(settings, datetime.now(UTC), progress, opened=opened)
