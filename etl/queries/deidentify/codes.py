"""What replaces identifying numbers: random codes from a book, or keyed hashes of a site.

The book is `HOME/code_book.parquet`: the same number has the same code in every copy, and nobody can
tell the number from the code, which is drawn at random. The key is `HOME/code_book.key`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from etl.atomic import replacing

BOOK, KEY = "code_book.parquet", "code_book.key"
KEY_BYTES = 32
MOST_WEEKS = 52
_CODE_BYTES = 8
_SCHEMA = pa.schema([("kind", pa.string()), ("value", pa.string()), ("code", pa.string())])


def use_code_book(
    connection: duckdb.DuckDBPyConnection, home: Path, wanted: Iterable[tuple[str, str]]
) -> None:
    """Make the temporary table `code_book` of (kind, value), with new random codes as needed."""
    path = home / BOOK
    known = pq.read_table(path, schema=_SCHEMA) if path.is_file() else _SCHEMA.empty_table()
    pairs = set(zip(known["kind"].to_pylist(), known["value"].to_pylist(), strict=True))
    new = sorted(set(wanted) - pairs)
    codes = [secrets.token_hex(_CODE_BYTES) for _ in new]
    added = pa.table([[k for k, _ in new], [v for _, v in new], codes], schema=_SCHEMA)
    book = pa.concat_tables([known, added])
    if new:
        with replacing(path) as file:
            pq.write_table(book, file, compression="zstd")
    _register(connection, book)


def use_keyed_hashes(
    connection: duckdb.DuckDBPyConnection, home: Path, wanted: Iterable[tuple[str, str]]
) -> None:
    """Make the temporary tables `code_book` of keyed hashes, and `patient_shift` in days.

    A patient's dates all move by the same secret number of whole weeks, 1 to 52, into the past.
    """
    key = _read_key(home / KEY)
    pairs = sorted(set(wanted))
    codes = [_hash(key, kind, value).hex()[: 2 * _CODE_BYTES] for kind, value in pairs]
    columns = [[k for k, _ in pairs], [v for _, v in pairs], codes]
    _register(connection, pa.table(columns, schema=_SCHEMA))
    patients = [value for kind, value in pairs if kind == "patient"]
    days = [7 * (1 + _number(_hash(key, "shift", own)) % MOST_WEEKS) for own in patients]
    shifts = pa.table({"patient_id": pa.array(patients, pa.string()), "days": days})
    connection.register("shifts", shifts)
    connection.execute("create or replace temp table patient_shift as select * from shifts")
    connection.unregister("shifts")


def _register(connection: duckdb.DuckDBPyConnection, book: pa.Table) -> None:
    connection.register("book", book)
    connection.execute("create or replace temp table code_book as select * from book")
    connection.unregister("book")


def _hash(key: bytes, kind: str, value: str) -> bytes:
    text = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
    return hmac.new(key, text, hashlib.sha256).digest()


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big")


def _read_key(path: Path) -> bytes:
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
    return path.read_bytes()
