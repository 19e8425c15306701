"""Opens every DuckDB connection: in UTC, and with a place for what does not fit into memory.

By itself DuckDB writes that into `.tmp` of the current folder, readable by all; a killed process
leaves it there. Here it goes into a folder of this process below the home, for its owner only,
which the next process removes once its maker is dead. Where nothing can be written (a reader of a
read-only home), nothing is: DuckDB then has memory alone.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from etl.sql_text import quote
from etl.temporary import claim_folder, clean_leftovers

NO_SPILL = ""
_claimed: dict[Path, str] = {}
_held = ExitStack()
_memory_bytes = 0


def limit_memory(size_bytes: int) -> None:
    """Let every connection of this process take at most so much memory, 0 for DuckDB's own limit."""
    global _memory_bytes
    _memory_bytes = size_bytes


@contextmanager
def connected(
    database: Path | None = None, *, spill: Path | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a file for reading, or to an empty database in memory; closed at the end.

    `spill` is a folder in which this process gets one of its own; None for what is always small.
    """
    connection = duckdb.connect(str(database), read_only=True) if database else duckdb.connect()
    with connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set preserve_insertion_order = true")
        _place_spill(connection, spill_folder(spill) if spill else NO_SPILL)
        if _memory_bytes:
            connection.execute(f"set memory_limit = '{_memory_bytes} B'")
        yield connection


@contextmanager
def planned_simply(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run many statements that no optimizer makes faster: planning takes half of the time without.

    After an error nothing is set back: in a transaction that is over, that would be the error told.
    """
    connection.execute("pragma disable_optimizer")
    yield
    connection.execute("pragma enable_optimizer")


def spill_folder(parent: Path) -> str:
    """The folder of this process below `parent`, made if need be; empty where that cannot be."""
    known = _claimed.get(parent)
    if known is not None and (known == NO_SPILL or Path(known).is_dir()):
        return known
    try:
        parent.mkdir(mode=0o700, exist_ok=True)
        clean_leftovers(parent)
        folder = str(_held.enter_context(claim_folder(parent)))
    except OSError:
        folder = NO_SPILL
    _claimed[parent] = folder
    return folder


def _place_spill(connection: duckdb.DuckDBPyConnection, folder: str) -> None:
    """Connections to one file share an instance, whose folder cannot change once it is used."""
    found = connection.execute("select current_setting('temp_directory')").fetchall()
    if found != [(folder,)]:
        connection.execute(f"set temp_directory = {quote(folder)}")


atexit.register(_held.close)
