"""The packaged catalog and its tables, read once per process: half a second that many tests need.

Its records are never changed. What reads a site's lines calls `read_catalog(overlay)` itself.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from models.catalog import Catalog, read_catalog
from models.tables.plan import WarehousePlan, plan_tables


@cache
def packaged_catalog() -> Catalog:
    """The catalog without a site's lines."""
    return read_catalog()


def read_once(overlay: Path) -> Catalog:
    """What `read_catalog(overlay)` gives; without lines of a site it is not read again."""
    return read_catalog(overlay) if any(overlay.glob("*.csv")) else packaged_catalog()


@cache
def packaged_plan() -> WarehousePlan:
    """The tables of the packaged catalog."""
    return plan_tables(packaged_catalog())
