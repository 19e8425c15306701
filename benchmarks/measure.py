"""Runs one command as a whole process of its own: wall time, CPU time, peak memory, a time limit.

Peak memory is the largest sum, over samples taken every 20 ms, of the resident memory of the process
and all its living descendants (pages that processes share count in each); at least ru_maxrss, which
the kernel keeps exactly but per process.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SAMPLE_S = 0.02
ORPHANS_S = 5.0
_PR_SET_CHILD_SUBREAPER = 36
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: seconds of wall and CPU time, peak bytes, the JSON it printed, or why it failed.

    `is_stopped` says that it was still running when its time was over.
    """

    seconds: float
    cpu_s: float
    peak_bytes: int
    output: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    is_stopped: bool = False


@contextmanager
def _on_cpus(count: int) -> Iterator[None]:
    """Keep this thread, and what it starts meanwhile, on the first `count` processors."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def run_process(
    command: Sequence[str], *, threads: int, timeout_s: float, environment: Mapping[str, str]
) -> Measured:
    """Run a command on the first `threads` processors; killed with all it started when too slow.

    It may exit with 3 (some messages quarantined); the last JSON value it prints is its output.
    """
    _adopt_orphans()
    os.sync()  # what an earlier run wrote is not written during this one
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        with _on_cpus(threads):
            process = subprocess.Popen(
                [str(part) for part in command],
                stdout=out,
                stderr=err,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        try:
            peak_bytes, is_late = _watch(process.pid, started + timeout_s)
        except BaseException:
            _kill(process.pid)
            raise
        if is_late:
            _kill(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        cpu_s = usage.ru_utime + usage.ru_stime + _cpu_of_orphans(time.perf_counter() + ORPHANS_S)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        failure = _failure(process.returncode, err.read(), is_late, timeout_s)
        return Measured(
            seconds,
            cpu_s,
            max(peak_bytes, usage.ru_maxrss * 1024),
            {} if failure else last_json(out.read().decode()),
            failure,
            is_late,
        )


def _watch(pid: int, deadline: float) -> tuple[int, bool]:
    """The peak of the sampled memory, and whether the deadline came before the end."""
    handle = os.pidfd_open(pid)
    peak_bytes = 0
    try:
        while not select.select([handle], [], [], SAMPLE_S)[0]:
            peak_bytes = max(peak_bytes, sum(map(resident_bytes, family_of(pid))))
            if time.perf_counter() > deadline:
                return peak_bytes, True
    finally:
        os.close(handle)
    return peak_bytes, False


def _adopt_orphans() -> None:
    """Become the parent of what a command leaves behind, so that its CPU time can be counted."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _cpu_of_orphans(until: float) -> float:
    """CPU seconds of processes that outlived the command; they end by themselves."""
    cpu_s = 0.0
    while time.perf_counter() < until:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            break
        cpu_s += usage.ru_utime + usage.ru_stime
        if not pid:
            time.sleep(SAMPLE_S)
    return cpu_s


def _kill(pid: int) -> None:
    """End the session that the process leads."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _failure(exit_code: int, errors: bytes, is_late: bool, timeout_s: float) -> str:
    if is_late:
        return f"stopped after {timeout_s:,.0f} s"
    if exit_code in (0, 3):
        return ""
    lines = errors.decode(errors="replace").strip().splitlines() or [""]
    return f"exit code {exit_code}: {lines[-1][:200]}"


def family_of(pid: int) -> list[int]:
    """The process and all its living descendants."""
    family, at = [pid], 0
    while at < len(family):
        for task in _listed(Path(f"/proc/{family[at]}/task")):
            family += map(int, _text(task / "children").split())
        at += 1
    return family


def resident_bytes(pid: int) -> int:
    """Resident memory of a process, 0 when it is gone."""
    fields = _text(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * PAGE_BYTES if len(fields) > 1 else 0


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def last_json(printed: str) -> dict[str, Any]:
    """The last JSON object in what a program printed, {} without one."""
    start = printed.rfind("\n{")
    for candidate in (printed, printed[start + 1 :] if start >= 0 else ""):
        try:
            found = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}
