"""A log of DuckDB that does not belong to the warehouse beside it, and how a home gets rid of it.

DuckDB keeps what it has committed in `warehouse.duckdb.wal` until the next checkpoint, and refuses to
open a file beside the log of another one. Such a log can be left where the warehouse was replaced:
after a compaction, or when a file from a backup was put in its place.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from etl.duckdb_files import connected
from etl.warehouse.connection import TEMPORARY, log_of, open_warehouse
from etl.warehouse.identity import WAREHOUSE_FILE, check

_SAYS = "WAL does not match"


def drop_foreign_log(home: Path, *, is_checked: bool = True) -> bool:
    """Remove a log that is not the warehouse's, if the warehouse lacks nothing without it.

    The caller holds the write lock. Raises PermanentError, and changes nothing, when the warehouse
    is not what was committed last, unless that is not to be checked. Gives whether there was one.
    """
    path = home / WAREHOUSE_FILE
    log = log_of(path)
    if not path.exists() or not log.exists() or not _is_foreign(path):
        return False
    aside = log.with_name(f"{log.name}.foreign")
    log.replace(aside)
    try:
        with open_warehouse(path, read_only=True) as connection:
            if is_checked:
                check(connection, home)
    except BaseException:
        aside.replace(log)
        raise
    aside.unlink()
    return True


def _is_foreign(path: Path) -> bool:
    try:
        with connected(path, spill=path.parent / TEMPORARY):
            return False
    except duckdb.Error as error:
        return _SAYS in str(error)
