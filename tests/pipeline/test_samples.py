"""Real payloads load whole and come back equal from the tables alone, also when varied by hand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from etl.pipeline.load import load_paths
from etl.pipeline.records import LoadSummary
from etl.pipeline.status import read_status
from etl.settings import Settings, read_settings
from etl.warehouse.connection import open_warehouse
from etl.warehouse.rebuild import rebuild_messages
from models.catalog import Catalog
from models.tables.plan import plan_tables
from tests.pipeline.sample_payloads import PATHS, SAMPLES, needs_samples
from tests.reference.compare import differences
from tests.reference.json_text import parse

pytestmark = needs_samples


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, LoadSummary]:
    """All samples loaded once, and then the landed bytes moved away."""
    settings = read_settings(tmp_path_factory.mktemp("samples") / "home")
    summary = load_paths(settings, [str(SAMPLES)])
    shutil.move(settings.landing_path, settings.home / "moved_away")
    return settings, summary


@pytest.fixture
def warehouse(first: tuple[Settings, LoadSummary]) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(first[0].warehouse_path, read_only=True) as connection:
        yield connection


def test_every_sample_is_loaded(first: tuple[Settings, LoadSummary]) -> None:
    _, summary = first
    assert (summary.received, summary.loaded) == (len(PATHS), len(PATHS))
    assert (summary.duplicate, summary.quarantined) == (0, 0)


def test_every_sample_comes_back_equal_without_its_bytes(
    warehouse: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    ids = [row[0] for row in warehouse.execute("from core.message order by message_id").fetchall()]
    rebuilt = rebuild_messages(warehouse, plan_tables(catalog), ids)
    assert len(ids) == len(PATHS)
    assert [
        f"{path.name}: {difference}"
        for path, message_id in zip(PATHS, ids, strict=True)
        for difference in differences(parse(path.read_bytes()), parse(rebuilt[message_id].encode()))
    ] == []


def test_no_sample_has_an_unplaced_value(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert warehouse.execute("select count(*) from core.unplaced_value").fetchone() == (0,)


def test_counts_of_samples_agree(
    first: tuple[Settings, LoadSummary], warehouse: duckdb.DuckDBPyConnection
) -> None:
    status = read_status(first[0].status_path)
    roots = warehouse.execute(
        "select table_schema from information_schema.tables "
        "where table_name = 'message' and table_schema <> 'core'"
    ).fetchall()
    rows = [warehouse.execute(f"select count(*) from {schema}.message").fetchall()[0][0]
            for (schema,) in roots]  # fmt: skip
    stored = warehouse.execute("select count(*) from core.message").fetchall()[0][0]
    assert status is not None
    assert status["messages"]["loaded"] == stored == sum(rows) == len(PATHS)


def test_samples_loaded_again_change_nothing(tmp_path: Path, settings: Settings) -> None:
    load_paths(settings, [str(SAMPLES)])
    again = load_paths(settings, [str(SAMPLES)])
    copy = tmp_path / "all.ndjson"
    copy.write_bytes(b"\n".join(path.read_bytes().strip() for path in PATHS))
    in_one_file = load_paths(settings, [str(copy)])
    assert (again.received, again.loaded, again.skipped_objects) == (0, 0, len(PATHS))
    assert (in_one_file.loaded, in_one_file.duplicate) == (0, len(PATHS))
