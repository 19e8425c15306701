"""The packaged catalog and the plan compiled from it, read once."""

from __future__ import annotations

import pytest

from models.catalog import Catalog, read_catalog
from models.tables.plan import WarehousePlan, plan_tables


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return read_catalog()


@pytest.fixture(scope="session")
def plan(catalog: Catalog) -> WarehousePlan:
    return plan_tables(catalog)
