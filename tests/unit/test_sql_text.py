"""Quoting: whatever stands in a name or path stays data, in SQL as in file patterns."""

import re
from pathlib import Path

import duckdb
import pytest

from etl.sql_text import literal_path, quote, quote_name

NASTY = ["plain", "it's", '"quoted"', "a;drop table x", "100 %_[x]*?", "\u00e4\n\\"]


@pytest.mark.parametrize("text", NASTY)
def test_a_quoted_text_is_itself(text: str) -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"select {quote(text)}").fetchone() == (text,)


@pytest.mark.parametrize("name", NASTY)
def test_a_quoted_name_is_itself(name: str) -> None:
    with duckdb.connect() as connection:
        described = connection.execute(f"select 1 as {quote_name(name)}").description
    assert described is not None and described[0][0] == name


@pytest.mark.parametrize("name", ["plain", "a*b", "what?", "[1]", "x[a-b]*"])
def test_wildcards_of_a_path_mean_themselves(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 1 as a) to {quote(str(folder / 'x.parquet'))}")
        pattern = quote(f"{literal_path(str(folder))}/*.parquet")
        assert connection.execute(f"from read_parquet({pattern})").fetchall() == [(1,)]


def test_texts_are_quoted_in_one_place() -> None:
    root = Path(__file__).parents[2]
    by_hand = re.compile(r"""replace\((?:"'", "''"|'"', '""')\)""")
    modules = [*(root / "etl").rglob("*.py"), *(root / "models").rglob("*.py")]
    quoting = [
        module.relative_to(root).as_posix()
        for module in modules
        if by_hand.search(module.read_text("utf-8"))
    ]
    assert quoting == ["etl/sql_text.py"]
