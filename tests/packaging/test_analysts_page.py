"""Every query on the analysts' page answers on a published version."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from etl.pipeline.load import load_paths
from etl.pipeline.publish import publish
from etl.settings import read_settings
from etl.synth import Dials, write_synthetic
from etl.synth.dials import FAULTS, Shares, SourceDial
from models.catalog import read_catalog
from tests.packaging.documents import ROOT, blocks, page_name

PAGE = ROOT / "docs" / "analysts.md"
QUERIES = [block.text for block in blocks(PAGE) if block.language == "sql"]
# what only stands there when a field's rate changed
MAY_BE_EMPTY = ("quality.field_drift",)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("analysts")
    dials = Dials(
        messages=240,
        data_models=("PatientAdmin", "Results"),
        sources=(SourceDial("North Hospital"), SourceDial("Lakeside Clinic")),
        shares=Shares(**dict.fromkeys(FAULTS, 0.05)),
    )
    write_synthetic(folder / "messages", catalog=read_catalog(), dials=dials)
    settings = read_settings(folder / "home")
    load_paths(settings, [str(folder / "messages")])
    version = publish(settings).folder
    with duckdb.connect(f"{version}/warehouse.duckdb", read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_query_answers(published: duckdb.DuckDBPyConnection, query: str) -> None:
    rows = published.execute(query).fetchall()
    assert rows or any(name in query for name in MAY_BE_EMPTY)


def test_every_view_of_schema_quality_stands_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    views = [f"quality.{file.stem}" for file in sorted((ROOT / "sql" / "quality").glob("*.sql"))]
    inner = {"quality.count_period", "quality.field_day_window"}
    assert [view for view in views if f"`{view}`" not in text and view not in inner] == []


def test_page_is_about_what_is_published() -> None:
    assert len(QUERIES) > 12, page_name(PAGE)
