"""Opens the newest state that can be read now: the warehouse, else the published version.

Questions about findings and drift are asked right after a load, before anything is published; while
a load writes they are answered from what was published last.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import duckdb

from etl.errors import UsageFault, WarehouseBusy
from etl.publish.folders import VIEWS_FILE, PublishedFolder
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse, read_lock
from etl.warehouse.lake import load_command

WAIT_S = 60.0
WAIT_BESIDE_PUBLISHED_S = 2.0
WAREHOUSE = "warehouse"


@contextmanager
def open_newest(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A read-only connection, and what it looks into: `warehouse` or `published version N`.

    Raises UsageFault when nothing was ever loaded, WarehouseBusy when a load holds the warehouse
    and nothing is published.
    """
    published = PublishedFolder(settings.published_path).current()
    if not settings.warehouse_path.exists():
        raise UsageFault(f"There is no warehouse yet; run {load_command(settings.home)} first.")
    with ExitStack() as stack:
        try:
            wait_s = WAIT_BESIDE_PUBLISHED_S if published else WAIT_S
            stack.enter_context(read_lock(settings.warehouse_path, wait_s=wait_s))
            connection = stack.enter_context(
                open_warehouse(settings.warehouse_path, read_only=True)
            )
            place = WAREHOUSE
        except WarehouseBusy:
            if published is None:
                raise
            connection = stack.enter_context(
                open_warehouse(
                    published / VIEWS_FILE, read_only=True, spill=settings.temporary_path
                )
            )
            place = f"published version {published.name}"
        yield connection, place
