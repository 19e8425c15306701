"""Rewrites the warehouse's file, so that nothing that was deleted is left in its free pages.

DuckDB uses free pages again but never gives them back: after reloads and purges a file may be mostly
free room.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from etl.errors import DiskFull, PermanentError
from etl.sql_text import quote
from etl.warehouse.connection import (
    ROW_GROUP_ROWS,
    TEMPORARY,
    log_of,
    open_in_memory,
    open_warehouse,
)
from etl.warehouse.disk import free_bytes

_SPARE_BYTES = 64 * 2**20


def rewrite_warehouse(path: Path) -> None:
    """Copy all tables into a new file that takes the place of the old one.

    The caller holds the write lock and has no connection open. Killed before the end, the old file
    is what it was; whoever reads it finishes on it. Raises DiskFull without room for a second copy,
    PermanentError when something that does not ask for the lock writes meanwhile.
    """
    for left_over in path.parent.glob(f"{path.name}.*.new*"):
        left_over.unlink(missing_ok=True)
    _check_room(path)
    with open_warehouse(path, read_only=False) as connection:
        connection.execute("checkpoint")
    state = _state(path)
    new = path.with_name(f"{path.name}.{uuid.uuid4().hex}.new")
    try:
        _copy(path, new)
        new.chmod(0o600)
        _sync(new)
        if _state(path) != state or log_of(path).exists():
            raise PermanentError(
                "Another program writes to the warehouse; close it and run the command again."
            )
        new.replace(path)
        _sync(path.parent)
    finally:
        new.unlink(missing_ok=True)


def _state(path: Path) -> tuple[int, int, int]:
    """Changes when a file is written to or replaced."""
    facts = path.stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _copy(path: Path, new: Path) -> None:
    with open_in_memory(spill=path.parent / TEMPORARY) as connection:
        connection.execute(f"attach {quote(str(path))} as old (read_only)")
        query = "select block_size from pragma_database_size() where database_name = 'old'"
        block_size = int(connection.execute(query).fetchall()[0][0])
        connection.execute(
            f"attach {quote(str(new))} as new "
            f"(row_group_size {ROW_GROUP_ROWS}, block_size {block_size})"
        )
        connection.execute("copy from database old to new")
        connection.execute("checkpoint new")
        connection.execute("detach new")


def _check_room(path: Path) -> None:
    needed = path.stat().st_size + _SPARE_BYTES
    if free_bytes(path) < needed:
        raise DiskFull(
            f"The disk has not enough space for a second copy of the warehouse ({needed / 1e9:,.1f} GB); "
            "free space and run the command again."
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
