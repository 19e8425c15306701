"""The machine and the versions a figure belongs to; no host name, no path."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.contenders import CONSTRAINTS
from benchmarks.workloads import PROJECT

OWN_PACKAGES = ("duckdb", "pyarrow", "msgspec", "numpy", "orjson", "pydantic")
PEER_PACKAGES = ("dlt", "pandas", "redox", "pysimdjson")


def machine_facts() -> dict[str, str]:
    """Facts by name, ready to be printed."""
    return {
        "processor": _cpu_model(),
        "cores": f"{len(os.sched_getaffinity(0))} usable of {os.cpu_count()}",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {_version(name)}" for name in OWN_PACKAGES),
        "peers": ", ".join(f"{name} {_pinned(name)}" for name in PEER_PACKAGES),
        "commit": _commit(),
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load average at start": f"{os.getloadavg()[0]:.1f}",
    }


def _cpu_model() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1].strip() if found else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _pinned(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)$", CONSTRAINTS.read_text(), re.MULTILINE)
    return found[1] if found else "missing"


def _commit() -> str:
    command = ["git", "-C", str(PROJECT), "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
