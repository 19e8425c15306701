"""Starts runs as Dagster's own launcher does, and can also say which of them no longer live.

Dagster's launcher leaves that to the code server that started the run: when the server is gone too
(a reboot, a killed service), the run would count as started for ever and keep its place.
`dagster.yaml` names this class; Dagster's monitoring asks it every few seconds. The daemon and the
web server have nothing else of ours, so it is here that their files become private.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster import DagsterRun
from dagster._core.launcher import DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._core.launcher.base import CheckRunHealthResult

from etl.orchestration.run_lock import Liveness, announce_run, check_run
from etl.process import keep_files_private

MODULE = "etl.definitions"
GRACE_S = 60.0
DEAD = "The process of this run no longer exists: it was killed, or the machine restarted."


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's launcher for runs on this machine, with a check whether they live."""

    def __init__(self, *given: Any, **named: Any) -> None:
        keep_files_private()
        super().__init__(*given, **named)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run; those of our own definitions get a lock file to hold."""
        if _is_ours(context.dagster_run):
            announce_run(self._storage, context.dagster_run.run_id)
        super().launch_run(context)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Ask the lock of the run. Of runs without one nothing is known; they are left alone."""
        found = check_run(self._storage, run.run_id, grace_s=GRACE_S)
        if found is Liveness.DEAD:
            return CheckRunHealthResult(WorkerStatus.FAILED, DEAD)
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    @property
    def _storage(self) -> Path:
        return Path(self._instance.root_directory)


def _is_ours(run: DagsterRun) -> bool:
    """True if the run is of definitions that hold the lock.

    The code says so, whatever server of code it came from: `dagster dev` starts one of its own,
    `dagster-daemon` another.
    """
    origin = run.job_code_origin
    pointer = origin and origin.repository_origin.code_pointer
    return getattr(pointer, "module", None) == MODULE
