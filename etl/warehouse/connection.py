"""Opens DuckDB files with the settings every connection needs, and locks the warehouse.

DuckDB's own errors may print data; they are rewritten here and nothing of them goes further.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from etl.atomic import own_folder
from etl.duckdb_files import connected
from etl.errors import DiskFull, PermanentError, RedoxWarehouseError, WarehouseBusy
from etl.sql_text import quote, quote_name

LOCK_SUFFIX = ".lock"
LOCK_POLL_S = 0.05
TEMPORARY = "tmp"
"""Below the home; `Settings.temporary_path` is the same."""
# Whole row groups are compressed and written while a load inserts, the rest by its commit, one
# table after the other; a quarter of DuckDB's 122,880 rows leaves the commit a fifth of its time.
ROW_GROUP_ROWS = 30_720
# Of a new file. A thousand tables of a few rows each take a quarter of the room that DuckDB's own
# 256 KB would, large tables two thirds; loads take as long, whole scans a twentieth longer.
BLOCK_BYTES = 64 * 2**10


@contextmanager
def write_lock(warehouse: Path, *, wait_s: float) -> Iterator[None]:
    """Hold the one writer's place; raises WarehouseBusy when it is not free in time."""
    own_folder(warehouse.parent)
    lock = FileLock(f"{warehouse}{LOCK_SUFFIX}", timeout=wait_s, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise WarehouseBusy(
            f"Another process is writing to the warehouse and did not finish within {wait_s:.0f} s; "
            "try again later."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def read_lock(warehouse: Path, *, wait_s: float) -> Iterator[None]:
    """Keep the writer out while reading; many may read, and nothing is written, not even a lock.

    Raises WarehouseBusy when a writer does not finish in time.
    """
    try:
        descriptor = os.open(f"{warehouse}{LOCK_SUFFIX}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # nobody has ever written here
        yield
        return
    try:
        _share(descriptor, time.monotonic() + wait_s)
        yield
    finally:
        os.close(descriptor)


def _share(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise WarehouseBusy(
                    "Another process is writing to the warehouse; try again when it is done."
                ) from None
            time.sleep(LOCK_POLL_S)
        else:
            return


@contextmanager
def open_warehouse(
    path: Path, *, read_only: bool, spill: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in UTC that is closed whatever happens, its errors rewritten without data.

    What does not fit into memory goes below `spill`, for the warehouse itself HOME/tmp.
    """
    database = path if read_only else None
    try:
        with (
            rewritten_errors("open the warehouse"),
            connected(database, spill=spill or path.parent / TEMPORARY) as connection,
        ):
            if not read_only:
                _attach_for_writing(connection, path)
            with rewritten_errors("use the warehouse"):
                yield connection
    finally:
        if not read_only and path.exists():
            path.chmod(0o600)


@contextmanager
def open_in_memory(*, spill: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same with nothing in it, for looking into files that it attaches."""
    with rewritten_errors("use the warehouse"), connected(spill=spill) as connection:
        yield connection


def log_of(path: Path) -> Path:
    """Where DuckDB keeps what it committed to a file since its last checkpoint."""
    return path.with_name(f"{path.name}.wal")


def _attach_for_writing(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Use a file as DuckDB itself would, with the sizes that only attaching can ask for."""
    name = quote_name(path.stem)
    block_size = "" if path.exists() else f", block_size {BLOCK_BYTES}"  # a file keeps its own
    connection.execute(
        f"attach {quote(str(path))} as {name} (row_group_size {ROW_GROUP_ROWS}{block_size})"
    )
    connection.execute(f"use {name}")
    connection.execute("set write_buffer_row_group_count = 1")


@contextmanager
def rewritten_errors(act: str) -> Iterator[None]:
    """Turn DuckDB's and the system's errors into ours, which hold no data."""
    try:
        yield
    except RedoxWarehouseError:
        raise
    except duckdb.Error as error:
        raise _rewritten(error, act) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full() from None
        raise


def _rewritten(error: duckdb.Error, act: str) -> RedoxWarehouseError:
    text = str(error)
    if "No space left" in text or "could not write all bytes" in text.lower():
        return _disk_full()
    if "Could not set lock" in text or "Conflicting lock" in text:
        return WarehouseBusy("Another process has the warehouse open; try again when it is done.")
    if "File too large" in text:
        return PermanentError(
            "A file cannot grow any larger here (`ulimit -f`, or a limit of the disk); raise that "
            "and run the command again, nothing was lost."
        )
    if isinstance(error, duckdb.OutOfMemoryException) or "Failed to allocate" in text:
        return PermanentError(
            f"DuckDB could not {act} with the memory it has; free memory or raise load.memory_bytes, "
            "then run the command again."
        )
    kind = type(error).__name__
    return PermanentError(
        f"DuckDB could not {act} ({kind}); run `redox-warehouse doctor` to see what is wrong."
    )


def _disk_full() -> DiskFull:
    return DiskFull("The disk is full; free space and run the command again, nothing was lost.")
