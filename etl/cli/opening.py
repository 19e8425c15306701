"""What several commands open in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from etl.pipeline.load import Loader
from etl.pipeline.pool import Pool
from etl.pipeline.records import Progress, no_progress
from etl.pipeline.worker import Worker
from etl.settings import Settings

ID = click.IntRange(0, 2**63 - 1)
"""What numbers a message or an item in quarantine."""


@contextmanager
def open_loader(settings: Settings, progress: Progress = no_progress) -> Iterator[Loader]:
    """A loader whose worker processes end with the command."""
    worker = Worker.of(settings)
    with Pool(settings, worker) as pool:
        yield Loader(settings, worker, pool, progress)
