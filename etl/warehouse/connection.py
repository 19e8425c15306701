"""Opens DuckDB files with the settings every connection needs, and locks the warehouse.

DuckDB's own errors may print data; they are rewritten here and nothing of them goes further.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from etl.errors import DiskFull, PermanentError, RedoxWarehouseError, WarehouseBusy

LOCK_SUFFIX = ".lock"


@contextmanager
def write_lock(warehouse: Path, *, wait_s: float) -> Iterator[None]:
    """Hold the one writer's place; raises WarehouseBusy when it is not free in time."""
    warehouse.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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
def open_warehouse(
    path: Path, *, read_only: bool, threads: int = 0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in UTC that is closed whatever happens, its errors rewritten without data."""
    with rewritten_errors("open the warehouse"):
        connection = duckdb.connect(str(path), read_only=read_only)
    try:
        with rewritten_errors("use the warehouse"):
            connection.execute("set timezone = 'UTC'")
            connection.execute("set preserve_insertion_order = true")
            if threads:
                connection.execute(f"set threads = {int(threads)}")
            yield connection
    finally:
        connection.close()
        if not read_only and path.exists():
            path.chmod(0o600)


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
    kind = type(error).__name__
    return PermanentError(
        f"DuckDB could not {act} ({kind}); run `redox-warehouse doctor` to see what is wrong."
    )


def _disk_full() -> DiskFull:
    return DiskFull("The disk is full; free space and run the command again, nothing was lost.")


def quote(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'
