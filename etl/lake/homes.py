"""Opens a home for changing it, whichever kind it is: local, or a lake that this process or Spark loads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from etl.pipeline.load import Loader, open_loader, utc_now
from etl.pipeline.records import Progress, no_progress
from etl.process import private_files
from etl.settings import Settings
from etl.warehouse.lake import LakeFolder


@contextmanager
def open_home(
    settings: Settings,
    progress: Progress = no_progress,
    clock: Callable[[], datetime] = utc_now,
    *,
    spark: Any = None,
) -> Iterator[Loader]:
    """A loader of a home, whichever kind it is; one of a lake works by `spark` or in this process."""
    if not is_lake(settings):
        with open_loader(settings, progress, clock) as loader:
            yield loader
        return
    from etl.lake.driver import open_lake  # takes as long as a small local load waits for its disk

    with private_files(), open_lake(settings, spark, progress, clock) as loader:
        yield loader


def is_lake(settings: Settings) -> bool:
    """True if a home is a lake, or is new and its settings name a cluster or what Spark is to load."""
    if LakeFolder(settings.home).is_there():
        return True
    is_new = not settings.warehouse_path.exists()
    return is_new and bool(settings.lake.master or settings.lake.sources)
