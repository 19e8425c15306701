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


def load(spark: Any, sources: Sequence[str], home: str | Path, *, unwrap: str = "") -> BatchSummary:
    """Load files, folders, globs or URLs into the lake of a home, by a Spark session.

    `home` is a folder that the driver and all executors reach under this path. What was loaded
    before is skipped by content. Raises the errors of `etl.errors`; their texts hold no data.
    """
    from etl.lake.driver import load_lake
    from etl.pipeline.sources import Sources
    from etl.settings import read_settings

    settings = read_settings(Path(home))
    listed = Sources(settings.buckets, home=settings.home).list(sources)
    return load_lake(settings, spark, listed, unwrap=unwrap)
