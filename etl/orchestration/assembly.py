"""Puts assets, checks, jobs, schedules and the sensor of one home together."""

from __future__ import annotations

import warnings

import dagster as dg
from dagster._core.definitions.definitions_load_context import (
    DefinitionsLoadContext,
    DefinitionsLoadType,
)

from etl.orchestration import alerts, new_files, new_loads
from etl.orchestration.arrivals import arrival_specs
from etl.orchestration.checks import load_check_specs
from etl.orchestration.delta import build_delta_tables, has_delta
from etl.orchestration.graph import Graph
from etl.orchestration.habits import Habits, read_habits
from etl.orchestration.home import RESOURCE, Home
from etl.orchestration.jobs import (
    build_backfill_job,
    build_load_job,
    build_publish_job,
    build_pull_job,
    build_reliability_job,
    build_schedules,
    build_senders_job,
    build_whole_job,
)
from etl.orchestration.lake import build_lake, has_lake
from etl.orchestration.loading import build_load
from etl.orchestration.marts import build_marts
from etl.orchestration.publishing import build_published_version
from etl.orchestration.pulling import build_pulled_replies
from etl.orchestration.reliability import build_report_asset, report_check_specs
from etl.orchestration.retention import build_retention_job
from etl.orchestration.senders import build_senders_check, senders_spec
from etl.orchestration.upkeep import build_reload_job, build_replay_job
from etl.settings import Settings, read_settings

HABITS = "redox_warehouse/habits"


def assemble(settings: Settings | None = None, habits: Habits | None = None) -> dg.Definitions:
    """Return the definitions of a home; the environment's when none is given.

    `habits` say which data models and sources to show; None means those that the home has seen.
    """
    settings = settings or read_settings()
    habits = read_habits(settings) if habits is None else habits
    graph = Graph.of(settings, habits)
    jobs = [
        build_load_job(graph),
        build_whole_job(graph),
        build_backfill_job(graph),
        build_publish_job(graph),
        build_reliability_job(),
        build_pull_job(),
    ]
    by_name = {job.name: job for job in jobs}
    senders = build_senders_check(graph)
    if senders is not None:
        by_name["senders"] = build_senders_job(senders)
    retention = build_retention_job()
    by_hand = [build_replay_job(graph), build_reload_job(graph), retention]
    checks = [*load_check_specs(graph), *report_check_specs()]
    sender_keys = senders.check_keys if senders is not None else ()
    names = (*by_name, *(job.name for job in by_hand))
    return dg.Definitions(
        assets=[
            senders_spec(graph),
            *arrival_specs(graph),
            build_pulled_replies(graph, settings),
            build_load(graph),
            build_published_version(graph),
            *([build_delta_tables(graph)] if has_delta(settings) else []),
            *([build_lake(graph)] if has_lake(settings) else []),
            build_marts(graph, settings),
            build_report_asset(graph),
        ],
        asset_checks=[senders] if senders is not None else [],
        jobs=[*by_name.values(), *by_hand],
        schedules=build_schedules(settings, {**by_name, "retention": retention}),
        sensors=[
            new_files.build_sensor(settings, by_name["load"]),
            new_loads.build_sensor(settings, by_name["publish"]),
            alerts.build_sensor(settings, names, (*(spec.key for spec in checks), *sender_keys)),
        ],
        resources={RESOURCE: Home()},
        executor=dg.in_process_executor,
    )


def assemble_for_server() -> dg.Definitions:
    """Return the definitions of the environment's home, the same for a server and all its runs.

    A run is built in a process of its own, perhaps after a data model came for the first time; it
    must have the graph of the server that planned it, so that one passes on what it had read.
    """
    context = DefinitionsLoadContext.get()
    settings = read_settings()
    if context.load_type is DefinitionsLoadType.RECONSTRUCTION:
        passed = context.reconstruction_metadata.get(HABITS)
        return assemble(settings, Habits.from_json(passed) if passed else None)
    habits = read_habits(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=dg.PreviewWarning)
        return assemble(settings, habits).with_reconstruction_metadata({HABITS: habits.to_json()})
