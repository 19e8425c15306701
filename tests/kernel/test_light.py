"""Kernel and executors run with a handful of packages, so that they can run where ours are not welcome."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements-executors.txt"
# Prints the modules that running the kernel over one message has loaded, and what became of it.
_RUN = """
import importlib, json, pkgutil, sys
import etl.kernel
for module in pkgutil.iter_modules(etl.kernel.__path__):
    importlib.import_module(f"etl.kernel.{module.name}")
import etl.lake.executor
import numpy as np
from etl.kernel._reader import KEY_BYTES, PADDING
from etl.kernel.compiled import Compiled
from etl.kernel.exact import Limits
from etl.kernel.numbering import number_messages
from etl.kernel.run import Items, run
from etl.kernel.settle import Origin, Settling
from etl.kernel.tables import NO_TIME
from models.catalog import read_catalog
from models.tables.plan import plan_tables

message = {"Meta": {"DataModel": "PatientAdmin", "EventType": "Arrival"}, "Visit": {"Zzz": 1}}
content = json.dumps(message).encode() + bytes(PADDING)
catalog = read_catalog()
limits = Limits(max_bytes=2**20, max_depth=64)
compiled = Compiled(catalog, plan_tables(catalog), limits=limits, secret=bytes(KEY_BYTES))
one = np.asarray([0], np.int64)
length = np.asarray([len(content) - PADDING], np.int64)
items = Items(content, one, length, np.asarray([NO_TIME]), one.astype(np.int32))
unit = run(items, compiled)
ids = number_messages(unit.hashes, unit.status != 2, known=(), seen=set(), next_id=7)
settling = Settling(compiled)
origin = Origin(("object",), one.astype(np.int32), one)
rows = {name: table.num_rows for name, table in settling.settle(unit, ids, origin)}
rows |= {name: table.num_rows for name, table in settling.finish()}
loaded = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
print(json.dumps({"loaded": sorted(loaded), "rows": rows}))
"""


_BEHIND = {"backports-zstd", "typing-extensions"}
"""What pyzstd brings."""


def _required() -> set[str]:
    lines = REQUIREMENTS.read_text("utf-8").splitlines()
    return {canonicalize_name(Requirement(line).name) for line in lines if not line.startswith("#")}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that holds what the requirements name, and nothing else."""
    folder = tmp_path_factory.mktemp("executor")
    purelib = Path(sysconfig.get_path("purelib"))
    for name in _required() | _BEHIND:
        for file in distribution(name).files or ():
            top = file.parts[0]
            if top != ".." and not (folder / top).exists():
                (folder / top).symlink_to(purelib / top)
    return folder


@pytest.fixture(scope="module")
def ran(bare: Path) -> dict[str, dict[str, int] | list[str]]:
    """What the kernel did in an interpreter that has no other packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path += {[str(ROOT), str(bare)]!r}\n{_RUN}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    content: dict[str, dict[str, int] | list[str]] = json.loads(done.stdout)
    return content


def test_it_runs_with_what_the_requirements_name(ran: dict[str, dict[str, int]]) -> None:
    assert ran["rows"]["patient_admin.message"] == 1
    assert ran["rows"]["core.unplaced_value"] == 1, "the exact way runs too"


def test_it_loads_no_orchestration_and_no_database(ran: dict[str, list[str]]) -> None:
    heavy = {"dagster", "sqlalchemy", "pandas", "duckdb", "pydantic", "click", "fsspec", "httpx"}
    assert heavy & set(ran["loaded"]) == set()


def test_the_requirements_are_what_it_imports(ran: dict[str, list[str]]) -> None:
    known = packages_distributions()
    loaded = [name for name in ran["loaded"] if name in known and name not in ("etl", "models")]
    imported = {canonicalize_name(known[name][0]) for name in loaded}
    assert imported - _BEHIND - {"setuptools"} == _required()


def test_the_requirements_hold_with_the_pinned_versions() -> None:
    lines = REQUIREMENTS.read_text("utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if not line.startswith("#")]
    wrong = [one for one in wanted if not one.specifier.contains(distribution(one.name).version)]
    assert wrong == []
