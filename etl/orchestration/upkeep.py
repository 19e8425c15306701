"""Jobs by hand: try quarantined items again, rebuild slices after the catalog has learned."""

import dagster as dg
from pydantic import Field

from etl.lake.homes import open_home
from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import WAREHOUSE_POOL, Graph
from etl.orchestration.home import Home
from etl.orchestration.outcome import load_results, log_result, reload_results
from etl.pipeline.batches import BatchSummary
from etl.pipeline.quarantine import replay
from etl.pipeline.reload import Selection, reload_slices
from etl.queries.figures import last_load, loads_since, read_figures
from models.tables.plan import SLICE_BITS


class ReplayConfig(dg.Config):
    """Which quarantined items to try again."""

    quarantine_ids: list[int] = Field(
        default=[],
        description="Numbers of items, as `redox-warehouse quarantine list` shows them. Empty: all "
        "open items.",
    )


class ReloadConfig(dg.Config):
    """Which messages to rebuild; every slice that holds one is rebuilt whole. Empty: everything."""

    data_models: list[str] = Field(
        default=[], description="Data models, written as in Meta.DataModel."
    )
    sources: list[str] = Field(default=[], description="Sources, as in Meta.Source.ID.")
    since: str = Field(
        default="", description="First day of the messages (UTC), such as 2026-01-31."
    )
    until: str = Field(default="", description="The day after the last day, such as 2026-02-01.")
    slices: list[int] = Field(
        default=[], description=f"Numbers of slices: message_id >> {SLICE_BITS}."
    )


def build_replay_job(graph: Graph) -> dg.JobDefinition:
    """Tries quarantined items again; what loads counts as a change of its data model."""

    @dg.op(name="replay_items", pool=WAREHOUSE_POOL, out=dg.Out(dg.Nothing))
    def replay_items(context: dg.OpExecutionContext, config: ReplayConfig, home: Home) -> None:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            with open_home(settings) as loader:
                done = replay(loader, config.quarantine_ids)
            context.add_output_metadata(
                {
                    "replayed": done.replayed,
                    "loaded": done.loaded,
                    "duplicate": done.duplicate,
                    "still_quarantined": done.quarantined,
                }
            )
            figures = read_figures(settings, done.load_ids)
            batch = BatchSummary(done, ())
            for result in load_results(graph, settings, batch, figures):
                log_result(context, result)

    @dg.job(
        name="replay_quarantine",
        executor_def=dg.in_process_executor,
        description="Tries to load quarantined items again: all open ones, or those named.",
    )
    def replay_quarantine() -> None:
        replay_items()

    return replay_quarantine


def build_reload_job(graph: Graph) -> dg.JobDefinition:
    """Rebuilds slices from landed bytes."""

    @dg.op(name="rebuild_slices", pool=WAREHOUSE_POOL, out=dg.Out(dg.Nothing))
    def rebuild_slices(context: dg.OpExecutionContext, config: ReloadConfig, home: Home) -> None:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            selection = Selection(
                data_models=tuple(config.data_models),
                sources=tuple(config.sources),
                since=config.since,
                until=config.until,
                slices=tuple(config.slices),
            )
            before = last_load(settings)
            with open_home(settings) as loader:
                done = reload_slices(loader, selection)
            context.add_output_metadata({"slices": done.slices, "messages": done.messages})
            figures = read_figures(settings, loads_since(settings, before))
            for result in reload_results(graph, settings, figures):
                log_result(context, result)

    @dg.job(
        name="reload_slices",
        executor_def=dg.in_process_executor,
        description="Builds rows, findings and counts again from landed bytes, slice by slice; "
        "or everything without a selection. Needed after the catalog gained fields.",
    )
    def reload_job() -> None:
        rebuild_slices()

    return reload_job
