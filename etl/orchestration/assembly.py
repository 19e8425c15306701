"""Puts assets, checks, jobs, schedules and the sensor of one home together."""

from __future__ import annotations

import dagster as dg

from etl.orchestration import new_files, new_loads
from etl.orchestration.arrivals import arrival_specs
from etl.orchestration.graph import Graph
from etl.orchestration.home import RESOURCE, Home
from etl.orchestration.jobs import (
    build_backfill_job,
    build_load_job,
    build_publish_job,
    build_pull_job,
    build_reliability_job,
    build_schedules,
    build_whole_job,
)
from etl.orchestration.loading import build_load
from etl.orchestration.publishing import build_published_version
from etl.orchestration.pulling import build_pulled_replies
from etl.orchestration.reliability import build_ratings_checks, build_report_asset
from etl.orchestration.upkeep import build_reload_job, build_replay_job
from etl.settings import Settings, read_settings


def assemble(settings: Settings | None = None) -> dg.Definitions:
    """The definitions of a home; the environment's when none is given."""
    settings = settings or read_settings()
    graph = Graph.of(settings)
    jobs = [
        build_load_job(graph),
        build_whole_job(graph),
        build_backfill_job(graph),
        build_publish_job(),
        build_reliability_job(graph),
        build_pull_job(),
    ]
    by_name = {job.name: job for job in jobs}
    return dg.Definitions(
        assets=[
            *arrival_specs(graph),
            build_pulled_replies(graph, settings),
            build_load(graph),
            build_published_version(graph),
            build_report_asset(graph),
        ],
        asset_checks=[build_ratings_checks(graph)],
        jobs=[*jobs, build_replay_job(graph), build_reload_job()],
        schedules=build_schedules(settings, by_name),
        sensors=[
            new_files.build_sensor(settings, by_name["load"]),
            new_loads.build_sensor(settings, by_name["publish"]),
        ],
        resources={RESOURCE: Home()},
        executor=dg.in_process_executor,
    )
