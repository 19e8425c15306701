"""The secret that keys the content hashes of a home: made once, kept beside the warehouse.

Whoever does not know it cannot make two messages of one hash. Part of every backup: a warehouse
whose key is lost would not know redeliveries again.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import duckdb

from etl.errors import PermanentError
from etl.kernel._reader import KEY_BYTES

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
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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


def check_hash_key(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Make sure that the warehouse's content hashes are of this key, in the caller's transaction.

    A warehouse without messages takes the key. Raises PermanentError where the hashes are others.
    """
    mark = hashlib.sha256(key).hexdigest()[:16]
    rows = connection.execute("select value from core.warehouse where name = ?", [MARK]).fetchall()
    if rows and rows[0][0] == mark:
        return
    if rows:
        raise PermanentError(
            f"{NAME} is not the one this warehouse was made with; restore it from a backup, or run "
            "`redox-warehouse migrate` to hash all messages again."
        )
    has_messages = connection.execute("select 1 from core.message limit 1").fetchall()
    if has_messages:
        raise PermanentError(
            "This warehouse was made by an earlier version; run `redox-warehouse migrate` once."
        )
    connection.execute("insert into core.warehouse values (?, ?)", [MARK, mark])
