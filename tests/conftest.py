"""The settings of whoever runs the tests are not theirs; known faults are marked, not hidden."""

import os
from pathlib import Path

import pytest

for name in [name for name in os.environ if name.startswith("REDOX_WAREHOUSE_")]:
    del os.environ[name]

KNOWN_FAULTS = Path(__file__).with_name("known_faults.txt")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the faults that are written down; each is shown with its reason at the end of a run."""
    lines = [line for line in KNOWN_FAULTS.read_text("utf-8").splitlines() if line[:1] != "#"]
    faults = dict(line.split(" | ", 1) for line in lines if line)
    for item in items:
        if item.nodeid in faults:
            item.add_marker(pytest.mark.xfail(reason=faults[item.nodeid], strict=False))
