"""Loads with Spark: the same kernel on many machines, rows straight into Parquet, one commit.

The driver lands sources, numbers messages and commits versions; executors read units of landed
bytes and write files. What executors import (`etl.lake.executor`) needs few packages; Spark itself
is only called, never imported, so any session will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etl.pipeline.batches import BatchSummary
    from etl.pipeline.records import LoadSummary
    from etl.pipeline.reload import ReloadSummary


def load(spark: Any, sources: Sequence[str], home: str | Path, *, unwrap: str = "") -> BatchSummary:
    """Load files, folders, globs or URLs into the lake of a home, by a Spark session.

    `home` is a folder that the driver and all executors reach under this path. What was loaded
    before is skipped by content. `spark` may be None: then this process does the work. Raises the
    errors of `etl.errors`; their texts hold no data.
    """
    from etl.lake.driver import load_lake
    from etl.pipeline.sources import Sources
    from etl.settings import read_settings

    settings = read_settings(Path(home))
    listed = Sources(settings.buckets, home=settings.home).list(sources)
    return load_lake(settings, spark, listed, unwrap=unwrap)


def reload(spark: Any, home: str | Path, **selection: Any) -> ReloadSummary:
    """Make rows of a lake again from its landed bytes, slice by slice, each as one version.

    `selection` is as of `etl.pipeline.reload.Selection`; without, everything. `spark` may be None:
    then this process does the work.
    """
    from etl.lake.homes import open_home
    from etl.pipeline.reload import Selection, reload_slices
    from etl.settings import read_settings

    with open_home(read_settings(Path(home)), spark=spark) as loader:
        return reload_slices(loader, Selection(**selection))


def replay(
    spark: Any, home: str | Path, quarantine_ids: Sequence[int] = (), *, unwrap: str = ""
) -> LoadSummary:
    """Load open items in quarantine again, all of them or these; `unwrap` as of `load`."""
    from etl.lake.homes import open_home
    from etl.pipeline.quarantine import replay as replay_items
    from etl.settings import read_settings

    with open_home(read_settings(Path(home)), spark=spark) as loader:
        return replay_items(loader, quarantine_ids, unwrap=unwrap)
