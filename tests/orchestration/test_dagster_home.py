"""An older or changed dagster.yaml is found and completed; a site's own lines stay."""

from __future__ import annotations

import subprocess
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._cli.utils import get_possibly_temporary_instance_for_cli

from etl.doctor.dagster_home import BACKUP, FILE, bring_up_to_date, check_dagster, delivered_file
from etl.doctor.records import State
from etl.errors import UsageFault
from tests.packaging.documents import ROOT

FREED = "free_slots_after_run_end_seconds"

FIRST_RELEASE = """\
telemetry:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: op
  runs:
    max_concurrent_runs: 4
run_monitoring:
  enabled: true
  poll_interval_seconds: 15
run_retries:
  enabled: true
  max_retries: 0
"""


def states(folder: Path) -> dict[str, State]:
    return {check.name: check.state for check in check_dagster(folder)}


def test_a_checkout_without_a_dagster_home_frees_places_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert yaml.safe_load((ROOT / FILE).read_text())["run_monitoring"][FREED] > 0
    (tmp_path / FILE).symlink_to(ROOT / FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with get_possibly_temporary_instance_for_cli() as instance:
        assert instance.run_monitoring_settings[FREED] > 0


def test_make_starts_dagster_in_its_home(tmp_path: Path) -> None:
    """Started in the checkout, Dagster would warn that it does not use the file there."""
    command = ["make", "-n", "dagster", f"DAGSTER_HOME={tmp_path}"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"cd {tmp_path} && " in shown


def test_new_home_gets_the_delivered_file_and_nothing_is_amiss(tmp_path: Path) -> None:
    assert bring_up_to_date(tmp_path) == "wrote dagster.yaml"
    assert (tmp_path / FILE).read_text() == delivered_file().read_text()
    assert set(states(tmp_path).values()) == {State.OK}
    assert bring_up_to_date(tmp_path) == ""


def test_file_of_the_first_release_is_found_and_completed(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(FIRST_RELEASE)

    found = states(tmp_path)
    done = bring_up_to_date(tmp_path)

    bad = {name for name, state in found.items() if state is State.WARN}
    assert bad == {"run_monitoring", "run_retries", "run_launcher"}
    assert "run_launcher, run_monitoring, run_retries" in done
    assert set(states(tmp_path).values()) == {State.OK}
    assert (tmp_path / BACKUP).read_text() == FIRST_RELEASE
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.run_monitoring_settings["free_slots_after_run_end_seconds"] == 10
        assert instance.run_launcher.supports_check_run_worker_health


def test_lines_of_the_site_stay(tmp_path: Path) -> None:
    own = """\
concurrency: {pools: {default_limit: 1}, runs: {max_concurrent_runs: 12}}
run_launcher: {module: site.launcher, class: Docker, config: {network: private}}
python_logs: {python_log_level: WARNING}
run_monitoring: {enabled: true, poll_interval_seconds: 60}
"""
    (tmp_path / FILE).write_text(own)

    bring_up_to_date(tmp_path)

    config = yaml.safe_load((tmp_path / FILE).read_text())
    assert config["concurrency"]["runs"]["max_concurrent_runs"] == 12
    assert config["run_launcher"] == yaml.safe_load(own)["run_launcher"]
    assert config["python_logs"] == {"python_log_level": "WARNING"}
    assert config["run_monitoring"]["poll_interval_seconds"] == 60
    assert config["telemetry"] == {"enabled": False}


OLDER_FORMS = {
    "run_queue": "run_queue: {max_concurrent_runs: 7, dequeue_use_threads: true}",
    "coordinator": "run_coordinator: {module: dagster._core.run_coordinator, "
    "class: QueuedRunCoordinator, config: {max_concurrent_runs: 7}}",
    "op limit": "concurrency: {default_op_concurrency_limit: 3, runs: {max_concurrent_runs: 7}}",
    "buffer": "run_queue: {max_concurrent_runs: 7, "
    "block_op_concurrency_limited_runs: {enabled: true, op_concurrency_slot_buffer: 2}}",
}


@pytest.mark.parametrize("form", OLDER_FORMS)
def test_limits_in_an_older_form_are_moved_so_that_dagster_takes_the_file(
    form: str, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text(OLDER_FORMS[form])

    bring_up_to_date(tmp_path)

    assert set(states(tmp_path).values()) == {State.OK}
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 7


@pytest.mark.parametrize("text", ["", "# nothing\n", "concurrency:\nrun_monitoring:\n"])
def test_file_of_an_interrupted_copy_is_completed(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)

    assert bring_up_to_date(tmp_path).startswith("completed")

    assert (tmp_path / FILE).read_text() == delivered_file().read_text()


@pytest.mark.parametrize("text", ["[", "just words"])
def test_file_that_is_not_yaml_is_left_to_a_person(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)

    _, check = check_dagster(tmp_path)

    assert check.state is State.WARN and "cannot be read" in check.found
    with pytest.raises(UsageFault, match="correct or delete it"):
        bring_up_to_date(tmp_path)
    assert (tmp_path / FILE).read_text() == text


def test_home_whose_runs_ended_well_is_in_order(tmp_path: Path) -> None:
    bring_up_to_date(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        a_job.execute_in_process(instance=instance)

    found = {check.name: check for check in check_dagster(tmp_path)}

    assert found["slots"].state is State.OK
    assert "runs" not in found


def test_daemon_that_never_ran_and_a_place_of_a_dead_run_are_found(tmp_path: Path) -> None:
    bring_up_to_date(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        run = instance.create_run_for_job(a_job)
        instance.event_log_storage.initialize_concurrency_limit_to_default("warehouse")
        instance.event_log_storage.claim_concurrency_slot("warehouse", run.run_id, "a_step")
        instance.report_run_failed(run)

    found = {check.name: check for check in check_dagster(tmp_path)}

    assert found["daemon"].found.startswith("it never ran")
    assert found["slots"].state is State.WARN and "1 run that ended" in found["slots"].found


def test_damaged_records_are_a_warning(tmp_path: Path) -> None:
    bring_up_to_date(tmp_path)
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "runs.db").write_bytes(b"not a database" * 100)

    found = {check.name: check for check in check_dagster(tmp_path)}

    assert found["runs"].state is State.WARN and "cannot be read" in found["runs"].found


@dg.op
def do_nothing() -> None: ...


@dg.job
def a_job() -> None:
    do_nothing()
