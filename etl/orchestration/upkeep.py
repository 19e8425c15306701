"""Jobs by hand: try quarantined items again, rebuild slices after the catalog has learned."""

import dagster as dg

from etl.answers.figures import read_figures
from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import WAREHOUSE_POOL, Graph, model_key
from etl.orchestration.home import Home
from etl.orchestration.metadata import model_metadata
from etl.pipeline.load import open_loader
from etl.pipeline.quarantine import replay
from etl.pipeline.reload import Selection, reload_slices


class ReplayConfig(dg.Config):
    """Which open items to try again; none named means all."""

    quarantine_ids: list[int] = []  # noqa: RUF012


class ReloadConfig(dg.Config):
    """Which messages to rebuild; every slice that holds one is rebuilt whole. Days as 2026-01-31,
    `until` is the day after the last."""

    data_models: list[str] = []  # noqa: RUF012
    sources: list[str] = []  # noqa: RUF012
    since: str = ""
    until: str = ""
    slices: list[int] = []  # noqa: RUF012


def build_replay_job(graph: Graph) -> dg.JobDefinition:
    """Tries quarantined items again; what loads counts as a change of its data model."""

    @dg.op(name="replay_items", pool=WAREHOUSE_POOL, out=dg.Out(dg.Nothing))
    def replay_items(context: dg.OpExecutionContext, config: ReplayConfig, home: Home) -> None:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            with open_loader(settings) as loader:
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
            for model in graph.models:
                if done.models.get(model.name):
                    metadata = model_metadata(model, done, figures)
                    context.log_event(dg.AssetMaterialization(model_key(model), metadata=metadata))

    @dg.job(
        name="replay_quarantine",
        executor_def=dg.in_process_executor,
        description="Tries quarantined items again, all open ones or those named.",
    )
    def replay_quarantine() -> None:
        replay_items()

    return replay_quarantine


def build_reload_job() -> dg.JobDefinition:
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
            with open_loader(settings) as loader:
                done = reload_slices(loader, selection)
            context.add_output_metadata({"slices": done.slices, "messages": done.messages})

    @dg.job(
        name="reload_slices",
        executor_def=dg.in_process_executor,
        description="Builds rows, findings and counts again from landed bytes, slice by slice; "
        "without a selection everything. Needed after the catalog has learned new fields.",
    )
    def reload_job() -> None:
        rebuild_slices()

    return reload_job
