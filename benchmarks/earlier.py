"""The load as an earlier commit does it: its own code in a checkout of its own, in the same run.

The environment is this one's, so both use the same packages; only the code differs. A compiled
module of the earlier commit is built in its checkout.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.workloads import PROJECT

# The newest commit before the load's one pass: the compiled kernel of issue 11.
BEFORE_ONE_PASS = "ce6bfae"
GIT_TIMEOUT_S = 120
BUILD_TIMEOUT_S = 900
WHERE = "import etl, sys; sys.stdout.write(etl.__path__[0])"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A commit and how its load is called."""

    revision: str
    contender: Contender


class NoEarlier(RuntimeError):
    """The earlier commit cannot be run here; the text says why."""


@contextmanager
def checked_out(revision: str, cache: Path) -> Iterator[Earlier]:
    """A checkout of the revision below the cache, removed afterwards; raises NoEarlier."""
    commit = _git("rev-parse", "--verify", "--short", f"{revision}^{{commit}}").strip()
    with tempfile.TemporaryDirectory(dir=cache, prefix="earlier-") as folder:
        project = Path(folder) / "project"
        _git("worktree", "add", "--quiet", "--detach", str(project), commit)
        try:
            _build(project)
            contender = replace(CONTENDERS["before"], project=project)
            check_code(project, contender.variables())
            yield Earlier(commit, contender)
        finally:
            _git("worktree", "remove", "--force", str(project))


def check_code(project: Path, environment: Mapping[str, str]) -> None:
    """Make sure that a process with this environment runs the code of the checkout."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", WHERE],
        cwd=PROJECT,
        env={**environment},
        capture_output=True,
        text=True,
        timeout=GIT_TIMEOUT_S,
    )
    if Path(done.stdout) != project / "etl":
        raise NoEarlier("the earlier commit's code would not be the one that runs")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT), *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_S,
        )
    except OSError:
        raise NoEarlier("git is not installed") from None
    if done.returncode:
        raise NoEarlier(f"git {arguments[0]} failed; is this a clone with its history?")
    return done.stdout


def _build(project: Path) -> None:
    """Compile the commit's own extension modules in place, where it has any."""
    setup = project / "setup.py"
    if not setup.exists() or "ext_modules" not in setup.read_text("utf-8"):
        return
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=project, capture_output=True, timeout=BUILD_TIMEOUT_S)
    if done.returncode:
        raise NoEarlier("the earlier commit's compiled module could not be built")
