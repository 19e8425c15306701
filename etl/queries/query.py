"""Runs a reader's own SELECT on the newest published version: read-only, in UTC, nothing written.

DuckDB would let a SELECT read any file and write rows to another. Here it sees the version's files
alone, only statements that read are run, and a plan that writes anything is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from etl.errors import UsageFault
from etl.queries.reading import open_published
from etl.settings import Settings
from etl.sql_text import quote, quote_name

_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.MULTI}
_EXPLAIN = re.compile(r"^\s*explain\s+(analyze\s+)?(\([^)]*\)\s*)?", re.IGNORECASE)
_PIVOT = re.compile(r"^\s*(pivot|with|from|select)\b", re.IGNORECASE)
_WRITES = re.compile(
    r'"name": "(COPY|BATCH_COPY|INSERT|BATCH_INSERT|UPDATE|DELETE|MERGE|CREATE|DROP)'
)
_OF_THE_SQL = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
)
_READ_ONLY = "Only questions are run here (select, from, with, describe, show, summarize, explain)"


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gives: names and types of its columns, and its rows, read as they are taken."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    cursor: duckdb.DuckDBPyConnection

    def rows(self, most: int) -> list[tuple[object, ...]]:
        """The next rows, at most so many; none at the end."""
        with told_errors():
            found: list[tuple[object, ...]] = self.cursor.fetchmany(most)
        return found


class Session:
    """An open version. Statements run one after the other; errors are UsageFault, one sentence."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, version: str) -> None:
        self.version = version
        self._connection = connection

    def run(self, statement: str) -> Result:
        """Start a statement that only reads."""
        self._require_reading(statement)
        with told_errors():
            cursor = _execute(self._connection, statement)
        description = cursor.description or []
        names = _unique(str(column[0]) for column in description)
        return Result(names, tuple(str(column[1]) for column in description), cursor)

    @contextmanager
    def batches(self, statement: str) -> Iterator[pa.RecordBatchReader]:
        """The rows of a statement as Arrow batches, read as they are taken; columns have one name."""
        self._require_reading(statement)
        with told_errors():
            relation = self._connection.sql(statement)
            names = _unique(relation.columns)
            listing = ", ".join(quote_name(name) for name in names)
            named: Any = relation.query("found", f"select * from found as found({listing})")
            yield named.to_arrow_reader(100_000)

    def _require_reading(self, statement: str) -> None:
        with told_errors():
            parsed = duckdb.extract_statements(statement)
        if len(parsed) != 1:
            raise UsageFault("Give one statement at a time.")
        kind = parsed[0].type
        if kind == duckdb.StatementType.EXPLAIN:
            inner = _EXPLAIN.sub("", _without_comments(statement), count=1)
            return self._require_reading(inner)
        is_pivot = kind != duckdb.StatementType.MULTI or _PIVOT.match(_without_comments(statement))
        if kind not in _READS or not is_pivot:
            raise UsageFault(f"{_READ_ONLY}; a version never changes.")
        if kind == duckdb.StatementType.SELECT:
            self._require_plan_that_reads(statement)
        return None

    def _require_plan_that_reads(self, statement: str) -> None:
        """A SELECT may hide a COPY or INSERT in a WITH."""
        with told_errors():
            plans = self._connection.execute(f"explain (format json) {statement}").fetchall()
        if any(_WRITES.search(str(plan)) for _, plan in plans):
            raise UsageFault(f"{_READ_ONLY}; remove the part that writes.")


@contextmanager
def open_session(settings: Settings) -> Iterator[Session]:
    """The newest published version; raises UsageFault where nothing is published."""
    with open_published(settings) as (connection, version, folder):
        connection.execute(f"set allowed_directories = [{quote(f'{folder}/')}]")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield Session(connection, version)


def _execute(connection: duckdb.DuckDBPyConnection, statement: str) -> duckdb.DuckDBPyConnection:
    """Execute in a thread: DuckDB 2.0.1 often goes on with a query that Ctrl-C came into itself."""
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(connection.execute, statement)
        try:
            return running.result()
        except (KeyboardInterrupt, SystemExit):
            connection.interrupt()
            raise


def split_statements(text: str) -> list[str]:
    """The statements of a text; raises UsageFault where it cannot be parsed."""
    with told_errors():
        return [one.query.strip().rstrip(";") for one in duckdb.extract_statements(text)]


@contextmanager
def told_errors() -> Iterator[None]:
    """Turn DuckDB's errors into one sentence; what may quote a row's value is left out."""
    try:
        yield
    except _OF_THE_SQL as error:
        raise UsageFault(_shown(error)) from None
    except duckdb.PermissionException:
        raise UsageFault(
            "Queries read the published version only, no other files; load them first."
        ) from None
    except duckdb.OutOfMemoryException:
        raise UsageFault(
            "There is not enough memory for this query; select fewer rows or columns."
        ) from None
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException):
        raise UsageFault(
            "The query failed on a value that does not convert or is out of range; "
            "use try_cast(... as ...) instead of a cast, or leave such rows out."
        ) from None
    except duckdb.Error as error:
        raise UsageFault(
            f"The query failed ({type(error).__name__}); simplify it and run it again."
        ) from None


def _shown(error: duckdb.Error) -> str:
    """DuckDB's message without its picture of the query: what is wrong, and what it suggests."""
    text = str(error).split("\n\nLINE ")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    message = " ".join(lines).removeprefix("Syntax Error: ")
    ending = "" if message.endswith((".", "?", "!")) else "."
    return f"{message}{ending} Tables are listed by `show all tables`, columns by `describe`."


def _without_comments(statement: str) -> str:
    lines = re.sub(r"/\*.*?\*/", " ", statement, flags=re.DOTALL)
    return re.sub(r"^\s*--[^\n]*\n", "", lines, flags=re.MULTILINE)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    """Names of columns, a number after those that occur again."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(found)
