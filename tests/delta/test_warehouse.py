"""A real warehouse, published to Delta twice with loads in between, equals the local version."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from tests.pipeline.command import CommandLine
from tests.pipeline.published_world import current, load_more, make_home

pytestmark = pytest.mark.slow


def differing(home: Path, lake: Path) -> list[str]:
    """Tables and marts whose rows in Delta are not those that the views show."""
    manifest = json.loads((home / "manifest.json").read_text("utf-8"))
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return [name for name in manifest["tables"] if _differs(connection, lake, name)]


def _differs(connection: duckdb.DuckDBPyConnection, lake: Path, name: str) -> bool:
    dataset = DeltaTable(lake.joinpath(*name.split("."))).to_pyarrow_dataset()  # noqa: F841
    query = f"""
        select count(*) from (from {name} except all from dataset)
        union all select count(*) from (from dataset except all from {name})
    """
    return connection.execute(query).fetchall() != [(0,), (0,)]


def test_two_publications_with_a_load_in_between(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = make_home(tmp_path)
    command = CommandLine(settings.home, capsys)
    lake = tmp_path / "lake"

    first = command.run("publish", "--to", "delta", str(lake))
    assert first.code == 0
    assert f"Registered version 1 at {lake}" in first.out
    assert differing(current(settings), lake) == []
    assert (lake / "mart" / "patient" / "_delta_log").is_dir()

    load_more(settings)
    second = command.run("publish", "--to", "delta", str(lake), "--json")
    summary = json.loads(second.out)
    assert summary["version"] == summary["delta"]["version"] == 2
    assert 0 < summary["delta"]["tables_changed"] < summary["delta"]["tables"]
    assert differing(current(settings), lake) == []
