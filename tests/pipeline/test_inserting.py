"""Inserting rows: few statements, and an error that says what was wrong."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from etl.duckdb_files import planned_simply
from etl.errors import RedoxWarehouseError
from etl.warehouse import commit
from etl.warehouse.commit import VALUE_BYTES, Inserting
from etl.warehouse.connection import rewritten_errors


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create table small (n bigint, later varchar)")
        opened.execute("create table large (n bigint)")
        opened.execute("begin")
        yield opened


@pytest.mark.parametrize(
    ("of_the_commit", "says"),
    [
        ("Could not write file: No space left on device", "The disk is full"),
        ("Could not write file: File too large", "cannot grow any larger"),
        ("Failed to allocate block of 65536 bytes (bad allocation)", "free memory"),
    ],
)
def test_a_commit_that_fails_says_what_was_short(of_the_commit: str, says: str) -> None:
    text = f"TransactionContext Error: Failed to commit: {of_the_commit}"
    with pytest.raises(RedoxWarehouseError, match=says), rewritten_errors("use the warehouse"):
        raise duckdb.TransactionException(text)


def numbers(*values: object) -> pa.Table:
    return pa.table({"n": values})


def test_rows_of_many_units_come_by_name(connection: duckdb.DuckDBPyConnection) -> None:
    inserting = Inserting(connection, load_id=7)
    inserting.add([("small", numbers(1)), ("large", numbers(2))])
    inserting.add([("small", pa.table({"later": ["x"], "n": [3]}))])
    assert connection.execute("select count(*) from small").fetchall() == [(0,)]
    inserting.finish()
    assert connection.execute("select * from small").fetchall() == [(1, None), (3, "x")]
    assert connection.execute("select n from large").fetchall() == [(2,)]
    assert inserting.rows == {"small": 2, "large": 1}


def test_the_largest_make_room_first(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "MOST_BYTES", 20 * VALUE_BYTES)
    inserting = Inserting(connection, load_id=7)
    inserting.add([("small", numbers(*range(5))), ("large", numbers(*range(16)))])
    counts = "select (select count(*) from small), (select count(*) from large)"
    assert connection.execute(counts).fetchall() == [(0, 16)]
    inserting.finish()
    assert connection.execute(counts).fetchall() == [(5, 16)]


def test_the_error_is_that_of_the_rows(connection: duckdb.DuckDBPyConnection) -> None:
    inserting = Inserting(connection, load_id=7)
    inserting.add([("small", numbers("no number"))])
    with pytest.raises(duckdb.ConversionException):
        inserting.finish()


def test_the_error_of_a_statement_is_told(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.CatalogException), planned_simply(connection):
        connection.execute("select * from nothing")
