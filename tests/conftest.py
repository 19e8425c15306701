"""What every test needs: no settings of whoever runs the tests, compiled modules kept, the catalog.

Processes that tests start find the modules compiled: compiling them again at each start takes half
a second, in some tests more than what they try.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from models.catalog import Catalog
from models.tables.plan import WarehousePlan
from tests.packaged import packaged_catalog, packaged_plan
from tests.seconds import file_seconds

for name in [name for name in os.environ if name.startswith("REDOX_WAREHOUSE_")]:
    del os.environ[name]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers take the slowest files first, so that none is left alone with one in the end."""
    if hasattr(config, "workerinput"):
        seconds = file_seconds()
        items.sort(key=lambda item: -seconds.get(item.path, 0))


@pytest.fixture(autouse=True)
def _same_umask() -> Iterator[None]:
    """Commands make files for their owner only; a test after one must not depend on that."""
    umask = os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The packaged catalog."""
    return packaged_catalog()


@pytest.fixture(scope="session")
def plan() -> WarehousePlan:
    """The tables of the packaged catalog."""
    return packaged_plan()
