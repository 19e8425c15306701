"""The views of sql/tuva have the columns of Tuva's input layer 0.18, in its order and types."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

SQL = Path(__file__).parents[2] / "sql" / "tuva"
KINDS = {"INT": "integer", "TIMESTAMPNTZ": "timestamp", "TEXT": "varchar"}
LISTED = list(csv.DictReader(Path(__file__).with_name("tuva_columns.csv").open(encoding="utf-8")))


def test_every_table_is_filled_or_says_why_not() -> None:
    rows = csv.DictReader(Path(__file__).with_name("tuva_tables.csv").open(encoding="utf-8"))
    tables = {row["table"]: row["not_filled_because"] for row in rows}
    filled = {file.stem for file in SQL.glob("*.sql")}
    assert filled == {table for table, reason in tables.items() if not reason}
    assert {line["table"] for line in LISTED} == filled


@pytest.mark.parametrize("table", sorted(file.stem for file in SQL.glob("*.sql")))
def test_view_has_the_listed_columns_and_says_why_one_is_null(table: str) -> None:
    lines = [line for line in LISTED if line["table"] == table]
    found = []
    for one in sqlglot.parse_one(
        (SQL / f"{table}.sql").read_text("utf-8"), dialect="duckdb"
    ).selects:
        cast = one.this
        assert isinstance(cast, exp.Cast)
        kind = KINDS.get(cast.to.this.name, cast.to.this.name.lower())
        found.append((one.alias, kind, isinstance(cast.this, exp.Null)))
    expected = [(line["column"], line["type"], bool(line["null_because"])) for line in lines]
    assert found == expected
    assert [int(line["position"]) for line in lines] == list(range(1, len(lines) + 1))
