"""What a process of ours sets for itself at its door: rights of new files, memory of DuckDB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the list of commands is quick because nothing heavy is imported for it
    from etl.settings import Settings

OWNER_ONLY_UMASK = 0o077


def keep_files_private() -> None:
    """Whatever is created from now on is for its owner only, whoever called us and whatever makes it.

    Libraries create files too: DuckDB its databases and spill files, Dagster its logs.
    """
    os.umask(OWNER_ONLY_UMASK)


@contextmanager
def private_files() -> Iterator[None]:
    """The same while it lasts, in a process that is not ours: a notebook, an executor."""
    before = os.umask(OWNER_ONLY_UMASK)
    try:
        yield
    finally:
        os.umask(before)


def prepare_process(settings: Settings) -> None:
    """Take over what the settings say about this process."""
    from etl.duckdb_files import limit_memory

    keep_files_private()
    limit_memory(settings.load.memory_bytes)
