"""`make demo`: a month of an invented health system through Dagster into a new home.

Running it again loads nothing new and changes no count. The run is kept in the home's Dagster
storage, so that `make dagster` shows it afterwards.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import dagster as dg
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from etl.atomic import own_folder
from etl.doctor.dagster_home import bring_up_to_date
from etl.orchestration.assembly import assemble
from etl.orchestration.demo_messages import data_models, make_messages, messages_folder
from etl.orchestration.demo_words import short_path, tell
from etl.orchestration.habits import Habits, read_habits
from etl.orchestration.loading import LOAD_STEP
from etl.settings import Settings, read_settings

# As workspace.yaml says; runs of this process have no origin of their own.
MODULE, LOCATION, REPOSITORY = "etl.definitions", "redox-warehouse", "__repository__"
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


def main() -> int:
    """Run the demo; gives the exit code."""
    started = time.monotonic()
    os.umask(0o077)
    settings = read_settings()
    prepare_home(settings)
    made = make_messages(settings)
    done = "Wrote" if made else "Found"
    print(
        f"{done} a month of messages from three senders in {short_path(messages_folder(settings))}."
    )
    print("Loading, checking and publishing them through Dagster ...", flush=True)
    reason = run_jobs(settings)
    if reason:
        print(reason, file=sys.stderr)
        return 1
    width = shutil.get_terminal_size().columns
    print(tell(settings, time.monotonic() - started, width=width))
    return 0


def _reason(event: dg.DagsterEvent) -> str:
    told = event.step_failure_data.user_failure_data
    return f"{event.step_key} failed: {(told and told.description) or 'see `make dagster`'}"


def run_jobs(settings: Settings) -> str:
    """Run the jobs one after the other in this process; gives what failed, "" when nothing did.

    The first gets the graph that there will be: with data models that appear after it, assets that
    come from them would show as out of date.
    """
    habits: Habits | None = replace(read_habits(settings), models=data_models(settings))
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        for name, steps in job_configs(settings).items():
            definitions = assemble(settings, habits)
            habits = None
            result = definitions.resolve_job_def(name).execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"loggers": QUIET, "ops": steps},
            )
            give_origin(instance, result.run_id)
            if not result.success:
                failed = result.filter_events(lambda event: event.is_step_failure)
                return "\n".join(_reason(event) for event in failed)
    return ""


def give_origin(instance: dg.DagsterInstance, run_id: str) -> None:
    """Give a run of this process the origin that a server's runs have.

    Without it, a run is neither on the Timeline nor under Jobs.
    """
    run = instance.get_run_by_id(run_id)
    assert run is not None
    target = LoadableTargetOrigin(module_name=MODULE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    repository = RemoteRepositoryOrigin(location, REPOSITORY)
    # before the origin, which writes the tag into the run but not where runs are looked for
    instance.add_run_tags(run_id, {REPOSITORY_LABEL_TAG: f"{REPOSITORY}@{LOCATION}"})
    run = instance.get_run_by_id(run_id)
    assert run is not None
    instance.run_storage.replace_job_origin(run, RemoteJobOrigin(repository, run.job_name))


def job_configs(settings: Settings) -> dict[str, dict[str, object]]:
    """The demo's jobs. It names its folder, where the sensor would wait for files to settle."""
    folder = {"config": {"paths": [str(messages_folder(settings))]}}
    return {"load_and_publish": {LOAD_STEP: folder}, "reliability": {}, "senders": {}}


def dagster_home(settings: Settings) -> Path:
    """Where Dagster keeps its runs."""
    return Path(os.environ.get("DAGSTER_HOME", settings.home / "dagster")).absolute()


def prepare_home(settings: Settings) -> None:
    """Make the home and Dagster's folder in it, for their owner only."""
    own_folder(settings.home)
    folder = dagster_home(settings)
    own_folder(folder)
    bring_up_to_date(folder)
    os.environ.setdefault("DAGSTER_HOME", str(folder))
    os.environ.setdefault("REDOX_WAREHOUSE_HOME", str(settings.home))


if __name__ == "__main__":
    sys.exit(main())
