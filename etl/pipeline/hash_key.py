"""The secret that keys the content hashes of a home: made once, kept beside the warehouse.

Whoever does not know it cannot make two messages of one hash. Part of every backup: a warehouse
whose key is lost would not know redeliveries again.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from etl.atomic import own_folder
from etl.errors import PermanentError
from etl.kernel._reader import KEY_BYTES
from etl.warehouse.lake import LakeFolder

if TYPE_CHECKING:  # executors read the key and have no DuckDB
    import duckdb

NAME = "content_hash.key"
MARK = "hash_key"


def read_hash_key(home: Path) -> bytes:
    """The home's key, made if there is none; raises PermanentError where the file is damaged."""
    path = home / NAME
    if not path.exists():
        _make(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise PermanentError(f"{path} is damaged; restore it from a backup of the home.")
    return key


def _make(path: Path) -> None:
    own_folder(path.parent)
    temporary = path.with_name(f"{NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # the first of two processes wins
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def mark_of_key(key: bytes) -> str:
    """By which a key is known without showing it."""
    return hashlib.sha256(key).hexdigest()[:16]


def check_hash_key(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Make sure that the warehouse's content hashes are of the home's key, in the caller's transaction.

    A warehouse without messages takes the key. Raises PermanentError where the hashes are others.
    """
    key = read_hash_key(home)
    if has_hashes_of(connection, key):
        return
    if _marks(connection):
        raise PermanentError(
            f"{NAME} is not the one with which this warehouse was created; restore it from a backup"
            f"{_or_migrate(home)}."
        )
    has_messages = connection.execute("select 1 from core.message limit 1").fetchall()
    if has_messages:
        raise PermanentError(
            "This warehouse was created by an earlier version; run `redox-warehouse migrate` once."
        )
    mark_hashes(connection, key)


def hash_fault(connection: duckdb.DuckDBPyConnection, home: Path) -> str:
    """What is wrong with the home's key, and what to do; "" where it is the warehouse's own."""
    path = home / NAME
    marks = _marks(connection)
    has_messages = bool(connection.execute("select 1 from core.message limit 1").fetchall())
    if not has_messages or (path.exists() and mark_of_key(path.read_bytes()) in marks):
        return ""
    if not marks:
        return (
            "run `redox-warehouse migrate` once: this warehouse was created by an earlier version."
        )
    return f"restore {NAME} from a backup{_or_migrate(home)}."


def _or_migrate(home: Path) -> str:
    """The other remedy, which a lake does not have: its rows are files with the old hashes."""
    return "" if LakeFolder(home).is_there() else ", or run `redox-warehouse migrate`"


def has_hashes_of(connection: duckdb.DuckDBPyConnection, key: bytes) -> bool:
    """True if the warehouse says that its content hashes are of this key."""
    return mark_of_key(key) in _marks(connection)


def mark_hashes(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Note that all content hashes are of the home's key, in the caller's transaction."""
    connection.execute("delete from core.warehouse where name = ?", [MARK])
    connection.execute("insert into core.warehouse values (?, ?)", [MARK, mark_of_key(key)])


def _marks(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = "select value from core.warehouse where name = ?"
    return [row[0] for row in connection.execute(query, [MARK]).fetchall()]
