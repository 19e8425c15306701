"""How each contender is called: the command of one whole process for a workload and a new folder."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bare_sql import write_script
from benchmarks.workloads import CLI, PROJECT, Workload
from models.catalog import read_catalog

HERE = Path(__file__).resolve().parent
PEERS_VENV = HERE / ".venv"
CONSTRAINTS = HERE / "constraints.txt"
INSTALL_TIMEOUT_S = 1800


@dataclass(frozen=True, slots=True)
class Task:
    """One run: this file into that new folder with so many threads; `home` is the warehouse's."""

    workload: Workload
    folder: Path
    threads: int
    script: Path
    home: Path


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that is measured; `is_peer` says that it needs the peers' environment.

    `project` is the checkout whose code runs; another one than this has caches of its own.
    """

    name: str
    title: str
    command: Callable[[Task], list[str]]
    is_peer: bool = False
    project: Path = PROJECT

    def environment(self, task: Task) -> Mapping[str, str]:
        """Variables of the process beside those of the harness."""
        return {"REDOX_WAREHOUSE_LOAD__WORKERS": str(task.threads), **self.variables()}

    def variables(self) -> Mapping[str, str]:
        """Those that decide which code runs."""
        if self.is_peer:
            return {"PYTHONPATH": ""}
        own = {"PYTHONPATH": str(self.project)}
        is_other = self.project != PROJECT
        return own | ({"XDG_CACHE_HOME": str(self.project / ".cache")} if is_other else {})


def _ours(task: Task) -> list[str]:
    return [*CLI, "--home", str(task.home), "load", "--json", str(task.workload.file)]


def _before(task: Task) -> list[str]:
    """Like ours; -P keeps Python from looking for code in the folder the harness runs in."""
    python, *rest = CLI
    return [
        python,
        "-P",
        *rest,
        "--home",
        str(task.home),
        "load",
        "--json",
        str(task.workload.file),
    ]


def _kernel(task: Task) -> list[str]:
    return [sys.executable, "-m", "benchmarks.kernel_alone", str(task.workload.file)]


def _locks(task: Task) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.lock_wait"]
    return [*command, str(task.workload.file), str(task.folder)]


def _marts(task: Task) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.marts_scale"]
    return [*command, str(task.workload.file), str(task.home)]


def _bare(task: Task) -> list[str]:
    return [
        *(sys.executable, "-m", "benchmarks.bare_duckdb"),
        *(str(task.workload.file), str(task.folder / "bare.duckdb")),
        *_options(task),
    ]


def _peer(name: str, python: Path) -> Callable[[Task], list[str]]:
    def command(task: Task) -> list[str]:
        file, folder = str(task.workload.file), str(task.folder)
        return [str(python), str(HERE / "peers.py"), name, file, folder, *_options(task)]

    return command


def _options(task: Task) -> list[str]:
    options = ["--threads", str(task.threads), "--script", str(task.script)]
    return [*options, "--model", task.workload.data_model] if task.workload.data_model else options


_OWN_PYTHON, _PEER_PYTHON = Path(sys.executable), PEERS_VENV / "bin" / "python"
CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("ours", "redox-warehouse load", _ours),
        Contender("before", "redox-warehouse load of the earlier commit", _before),
        Contender("kernel", "our reading alone: check and hash", _kernel),
        Contender("marts", "redox-warehouse publish with all marts", _marts),
        Contender("locks", "redox-warehouse load beside a reader", _locks),
        Contender("bare", "bare DuckDB SQL, no checks", _bare),
        Contender("dlt", "dlt into DuckDB", _peer("dlt", _PEER_PYTHON), True),
        Contender("pandas", "pandas json_normalize", _peer("pandas", _PEER_PYTHON), True),
        Contender(
            "redox", "redox (pydantic), validation alone", _peer("redox", _PEER_PYTHON), True
        ),
        Contender("orjson", "orjson, parsing alone", _peer("orjson", _OWN_PYTHON)),
        Contender("simdjson", "simdjson, parsing alone", _peer("simdjson", _PEER_PYTHON), True),
        Contender("duckdb_valid", "DuckDB json_valid alone", _peer("duckdb_valid", _OWN_PYTHON)),
        Contender(
            "duckdb_parse",
            "DuckDB json_valid and from_json alone",
            _peer("duckdb_parse", _OWN_PYTHON),
        ),
    )
}


def compile_script(cache: Path) -> Path:
    """The file with the bare contender's SQL, made from the catalog as it is now."""
    path = cache / "bare-duckdb.json"
    write_script(read_catalog(None), path)
    return path


def install_peers() -> str:
    """Create the peers' environment unless it is there; gives what went wrong, "" if nothing."""
    wanted = hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()
    stamp = PEERS_VENV / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return ""
    pip = [str(_PEER_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(PEERS_VENV)],
        [*pip, "--requirement", str(CONSTRAINTS)],
    ):
        done = subprocess.run(command, timeout=INSTALL_TIMEOUT_S, capture_output=True, text=True)
        if done.returncode:
            return "pip could not install benchmarks/constraints.txt; run it by hand to see why"
    stamp.write_text(wanted)
    return ""
