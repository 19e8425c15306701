"""`make demo`: synthetic messages of every event type through Dagster into a new home.

Running it again loads nothing new and changes no count. The run is kept in the home's Dagster
storage, so that `make dagster` shows it afterwards.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import dagster as dg

from etl.answers.reliability_checks import REPORT_FILE
from etl.doctor.dagster_home import bring_up_to_date
from etl.orchestration.assembly import assemble
from etl.orchestration.loading import LOAD_STEP
from etl.pipeline.status import read_status
from etl.settings import Settings, read_settings
from etl.synth.dials import Dials, Output, Shares, SourceDial
from etl.synth.write import write_synthetic
from models.catalog import read_catalog

# Runs without it, as those of this process are, are on no page but the list of all runs.
REPOSITORY_TAG, REPOSITORY = ".dagster/repository", "__repository__@redox-warehouse"
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
DIALS = Dials(
    messages=4_000,
    days=14,
    shapes=16,
    sources=(
        SourceDial("North Hospital", facilities=("NH1", "NH2"), weight=3),
        SourceDial("Lakeside Clinic", weight=2),
        SourceDial("Harbor Laboratory", data_models=("Order", "Results", "Flowsheet")),
    ),
    shares=Shares(
        duplicates=0.02,
        unlisted_keys=0.01,
        extensions=0.02,
        misfits=0.005,
        bad_dates=0.01,
        bad_codes=0.02,
        malformed=0.002,
        unknown_events=0.001,
    ),
    output=Output(files=6),
)


def main() -> int:
    """Run the demo; gives the exit code."""
    started = time.monotonic()
    os.umask(0o077)
    settings = read_settings()
    prepare_home(settings)
    made = make_messages(settings)
    print(
        f"{'wrote' if made else 'found'} synthetic messages in {_short(messages_folder(settings))}"
    )
    print("loading and publishing through Dagster ...", flush=True)
    reason = run_jobs(settings)
    if reason:
        print(reason, file=sys.stderr)
        return 1
    print(tell(settings, time.monotonic() - started))
    return 0


def _reason(event: dg.DagsterEvent) -> str:
    told = event.step_failure_data.user_failure_data
    return f"{event.step_key} failed: {(told and told.description) or 'see `make dagster`'}"


def run_jobs(settings: Settings) -> str:
    """Run the jobs one after the other in this process; gives what failed, "" when nothing did."""
    definitions = assemble(settings)
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        for name, steps in job_configs(settings).items():
            result = definitions.resolve_job_def(name).execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"loggers": QUIET, "ops": steps},
                tags={REPOSITORY_TAG: REPOSITORY},
            )
            if not result.success:
                failed = result.filter_events(lambda event: event.is_step_failure)
                return "\n".join(_reason(event) for event in failed)
    return ""


def job_configs(settings: Settings) -> dict[str, dict[str, object]]:
    """The demo's jobs. It names its folder, where the sensor would wait for files to settle."""
    folder = {"config": {"paths": [str(messages_folder(settings))]}}
    return {"load_and_publish": {LOAD_STEP: folder}, "reliability": {}}


def dagster_home(settings: Settings) -> Path:
    """Where Dagster keeps its runs."""
    return Path(os.environ.get("DAGSTER_HOME", settings.home / "dagster")).absolute()


def prepare_home(settings: Settings) -> None:
    """Make the home and Dagster's folder in it, for their owner only."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = dagster_home(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    bring_up_to_date(folder)
    os.environ.setdefault("DAGSTER_HOME", str(folder))
    os.environ.setdefault("REDOX_WAREHOUSE_HOME", str(settings.home))


def messages_folder(settings: Settings) -> Path:
    """Where the demo's messages arrive; the sensor watches it."""
    return settings.incoming_path / "demo"


def make_messages(settings: Settings) -> bool:
    """Write the messages once; whether they were written now."""
    folder = messages_folder(settings)
    if folder.is_dir():
        return False
    unfinished = settings.home / "demo.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    write_synthetic(unfinished, catalog=read_catalog(settings.catalog_path), dials=DIALS)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished.rename(folder)
    return True


def tell(settings: Settings, seconds: float) -> str:
    """What is in the home now, and where to look."""
    status = read_status(settings.status_path)
    if status is None:
        return "Nothing was loaded."
    messages = status["messages"]
    findings = {"error": 0, "warning": 0, "info": 0}
    for line in status["findings"]:
        findings[line["severity"]] += line["findings"]
    return "\n".join(
        [
            "",
            f"received {messages['received']:,} = loaded {messages['loaded']:,} + duplicate "
            f"{messages['duplicate']:,} + quarantined {messages['quarantined']:,}",
            f"data models {len(status['models'])}, findings: {findings['warning']:,} warnings, "
            f"{findings['info']:,} notes; {seconds:.0f} s",
            "",
            f"  tables for analysts   {_short(settings.published_path)}/current",
            f"  reliability report    {_short(settings.reports_path / REPORT_FILE)}",
            "  runs and numbers      make dagster, then http://127.0.0.1:3000",
            "  the same in words     redox-warehouse status, findings, quarantine list",
        ]
    )


def _short(path: Path) -> str:
    return os.path.relpath(path)


if __name__ == "__main__":
    sys.exit(main())
