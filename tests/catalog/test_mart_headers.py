"""The headers of the marts: every promise has its form, every column its meaning."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from etl.marts.header import read_header
from etl.marts.lookups import LOOKUPS, normal_key, read_lookup

SQL = Path(__file__).parents[2] / "sql"
MARTS = {f"mart.{file.stem}": file.read_text("utf-8") for file in (SQL / "mart").glob("*.sql")}
FILES = {
    f"{file.parent.name}.{file.stem}": file.read_text("utf-8")
    for schema in ("mart", "evidence")
    for file in (SQL / schema).glob("*.sql")
}
SEEN = ("first_seen_at", "first_seen_date", "last_seen_at", "last_seen_date", "messages")


def select_of(text: str) -> exp.Expression:
    """The SELECT, in which DuckDB's `:=` is written as sqlglot knows it."""
    return sqlglot.parse_one(text, dialect="duckdb")


def columns_of(text: str) -> list[str]:
    return [one.alias_or_name for one in select_of(text).selects]


@pytest.mark.parametrize("name", sorted(MARTS))
def test_header_lists_the_columns_in_their_order(name: str) -> None:
    header = read_header(MARTS[name])
    assert list(header.columns) == columns_of(MARTS[name])
    assert header.is_stored and header.comment and header.grain
    assert set(header.key) <= set(header.columns)
    assert tuple(header.columns)[-5:] == SEEN


@pytest.mark.parametrize("name", sorted(MARTS))
def test_every_time_has_a_date_beside_it(name: str) -> None:
    columns = list(read_header(MARTS[name]).columns)
    for place, column in enumerate(columns):
        if column.endswith(("_at", "_datetime")):
            date = re.sub(r"_(at|datetime)$", "_date", column)
            assert columns[place + 1] == date, column


@pytest.mark.parametrize("name", sorted(FILES))
def test_header_names_exactly_what_the_select_reads(name: str) -> None:
    found = {
        f"{table.db}.{table.name}"
        for table in select_of(FILES[name]).find_all(exp.Table)
        if table.db
    }
    reads = read_header(FILES[name]).reads
    ledger = read_header(FILES[name]).ledger
    # a ledger may count what the SELECT reads by way of another relation
    assert found <= reads, found - reads
    assert {one for one in reads - found if one not in ledger} == set()


@pytest.mark.parametrize("view", sorted(LOOKUPS))
def test_words_of_senders_are_listed_once_with_a_reason(view: str) -> None:
    _, received, found, _, _ = LOOKUPS[view]
    meanings: dict[str, str] = {}
    for line in read_lookup(view):
        assert line["reason"] and line[found], line
        key = normal_key(line[received])
        assert meanings.setdefault(key, line[found]) == line[found], line
