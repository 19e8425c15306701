"""A real dagster-daemon on a home of its own, to kill and to start again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import TypeVar

import dagster as dg
import yaml

from etl.doctor.dagster_home import FILE, bring_up_to_date
from etl.orchestration.attempts import UNDER_WAY
from etl.pipeline.status import read_status
from etl.synth import Dials, write_synthetic
from tests.packaged import packaged_catalog

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PATIENCE_S = 240.0
PID = re.compile(r"Started process for run \(pid: (\d+)\)")
FAST = {
    "REDOX_WAREHOUSE_LOAD__WORKERS": "1",
    "REDOX_WAREHOUSE_WATCH__SETTLE_S": "0",
    "REDOX_WAREHOUSE_WATCH__EVERY_S": "5",
    "REDOX_WAREHOUSE_ORCHESTRATION__RETRY_WAIT_S": "5",
    "REDOX_WAREHOUSE_ORCHESTRATION__LONGEST_RETRY_WAIT_S": "15",
    "REDOX_WAREHOUSE_ORCHESTRATION__PUBLISH_PAUSE_S": "0",
}
IMPATIENT = {
    "REDOX_WAREHOUSE_ORCHESTRATION__RETRY_WAIT_S": "1",
}


@dataclass
class DaemonWorld:
    """A home, Dagster's records of it, and the daemon while it runs."""

    home: Path
    environment: Mapping[str, str]
    instance: dg.DagsterInstance
    process: subprocess.Popen[bytes] | None = None
    seen_pids: set[int] = field(default_factory=set)

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "dagster._daemon",
            "run",
            "-w",
            str(ROOT / "workspace.yaml"),
        ]
        with (self.home / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def kill_daemon(self) -> None:
        """As the out-of-memory killer does: the daemon alone, without a word."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def put(self, seed: int, messages: int) -> int:
        """Synthetic messages into HOME/incoming; gives how many."""
        made = self.home / "made"
        dials = Dials(messages, seed=seed, shapes=2, data_models=("PatientAdmin",))
        write_synthetic(made, catalog=packaged_catalog(), dials=dials)
        (self.home / "incoming").mkdir(exist_ok=True)
        made.rename(self.home / "incoming" / f"feed-{seed}")
        return messages

    def runs(self, job: str, *statuses: dg.DagsterRunStatus) -> list[dg.DagsterRun]:
        filters = dg.RunsFilter(job_name=job, statuses=list(statuses) or None)
        return list(self.instance.get_runs(filters))

    def created_at(self, run: dg.DagsterRun) -> float:
        """When Dagster made the run, in seconds as `time.time()` gives them."""
        (record,) = self.instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
        return record.create_timestamp.replace(tzinfo=UTC).timestamp()

    def pid_of(self, run_id: str) -> int | None:
        for entry in self.instance.all_logs(run_id):
            found = PID.search(entry.message or "")
            if found:
                return int(found[1])
        return None

    def launch(self, job: str) -> str:
        """Put a run of the job into the queue, as a person does; returns its id."""
        command = [sys.executable, "-m", "dagster", "job", "launch"]
        command += ["-w", str(ROOT / "workspace.yaml"), "-j", job]
        known = {run.run_id for run in self.runs(job)}
        subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, check=True)
        (launched,) = (run.run_id for run in self.runs(job) if run.run_id not in known)
        return launched

    def kill_run(self, job: str, *, after_s: float = 0) -> dg.DagsterRun | None:
        """Kill the process of the job's next run, so long after it was seen to start.

        None if it had ended by then. Starting is part of its life: Python reads modules for seconds.
        """

        def started() -> tuple[dg.DagsterRun, int] | None:
            for run in self.runs(job, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED):
                pid = self.pid_of(run.run_id)
                if pid and pid not in self.seen_pids:
                    return run, pid
            return None

        run, pid = self.wait_for(started, f"a started run of {job}")
        self.seen_pids.add(pid)
        time.sleep(after_s)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        return run

    def wait_for(self, look: Callable[[], T | None], what: str) -> T:
        """What a look gives as soon as it gives something; fails with the daemon's log."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = look()
            if found:
                return found
            time.sleep(0.3)
        log = (self.home / "daemon.log").read_text()[-4000:]
        raise AssertionError(f"no {what} in {PATIENCE_S:.0f} s: {log}")

    def loaded(self) -> int:
        """Messages in the last commit."""
        status = read_status(self.home / "status.json")
        return int(status["messages"]["loaded"]) if status else 0

    def wait_for_messages(self, count: int) -> None:
        """Until so many messages are loaded and nothing runs or waits."""

        def is_done() -> bool:
            return self.loaded() >= count and not self.busy()

        self.wait_for(is_done, f"{count} loaded messages")

    def busy(self) -> list[str]:
        """Runs that have not ended."""
        return list(self.instance.get_run_ids(dg.RunsFilter(statuses=UNDER_WAY)))

    def end(self) -> None:
        """End the daemon, its code server and what runs it has started."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            self.process.kill()
        for run in self.instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY)):
            pid = self.pid_of(run.run_id)
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@contextmanager
def open_daemon_world(folder: Path, *, is_impatient: bool = False) -> Iterator[DaemonWorld]:
    """A home without a daemon yet; what was started is ended.

    It waits as the delivered dagster.yaml says, unless impatient: then as little as it can.
    """
    home, storage = folder / "home", folder / "home" / "dagster"
    bring_up_to_date(storage)
    if is_impatient:
        config = yaml.safe_load((storage / FILE).read_text())
        config["run_monitoring"] |= {
            "poll_interval_seconds": 1,
            "free_slots_after_run_end_seconds": 1,
        }
        (storage / FILE).write_text(yaml.safe_dump(config))
    environment = {
        **os.environ,
        **FAST,
        **(IMPATIENT if is_impatient else {}),
        "REDOX_WAREHOUSE_HOME": str(home),
        "DAGSTER_HOME": str(storage),
    }
    with dg.DagsterInstance.from_config(str(storage)) as instance:
        world = DaemonWorld(home, environment, instance)
        try:
            yield world
        finally:
            world.end()
