"""Compacts the warehouse of a home: its file without the room that deleted rows left."""

from __future__ import annotations

from dataclasses import dataclass

from etl.errors import UsageFault
from etl.pipeline.load import LOCK_WAIT_S
from etl.settings import Settings
from etl.warehouse.compact import rewrite_warehouse
from etl.warehouse.connection import write_lock
from etl.warehouse.foreign_log import drop_foreign_log
from etl.warehouse.identity import open_for_change


@dataclass(frozen=True, slots=True)
class CompactSummary:
    """The size of the warehouse's file before and after, in bytes; of a lake, how many files it had
    and has."""

    before_bytes: int
    after_bytes: int
    before_files: int = 0
    after_files: int = 0


def compact(settings: Settings) -> CompactSummary:
    """Write the warehouse's file again, as small as it can be; loads and readers wait meanwhile.

    Raises UsageFault where nothing was loaded, PermanentError where parts of the home come from
    different times, DiskFull where the new file does not fit beside the old one.
    """
    path = settings.warehouse_path
    if not path.exists():
        raise UsageFault("There is no warehouse yet; run `redox-warehouse load` first.")
    with write_lock(path, wait_s=LOCK_WAIT_S):
        before = path.stat().st_size
        drop_foreign_log(settings.home)
        with open_for_change(settings.home):
            pass  # what a killed commit began is finished, parts from other times are refused
        rewrite_warehouse(path)
        return CompactSummary(before, path.stat().st_size)
