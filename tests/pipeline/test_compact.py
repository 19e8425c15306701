"""Compacting gives back the room of deleted rows and changes nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli.compact import compact
from etl.doctor.state import check_warehouse
from etl.errors import DiskFull
from etl.settings import Settings, read_settings
from etl.warehouse import compact as compacting
from etl.warehouse import disk
from etl.warehouse.connection import open_warehouse
from etl.warehouse.identity import open_for_change
from tests.pipeline.small_messages import contents, load, make_message

COMMENTS = "select schema_name, table_name, column_name, comment from duckdb_columns() order by all"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose warehouse is mostly free room."""
    settings = read_settings(tmp_path_factory.mktemp("compact") / "home")
    load(settings, "a", [make_message("1", Visit={"VisitNumber": "1"})])
    with open_for_change(settings.home) as connection:
        connection.execute("create table bulk as select md5(i::varchar) v from range(3000000) t(i)")
        connection.execute("checkpoint")
        connection.execute("create table behind as select 1 as i")  # DuckDB cuts a free end itself
        connection.execute("checkpoint")
        connection.execute("drop table bulk")
        connection.execute("checkpoint")
    return settings


def comments(settings: Settings) -> list[Any]:
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        return connection.execute(COMMENTS).fetchall()


def room(settings: Settings) -> str:
    return next(check.state.value for check in check_warehouse(settings) if check.name == "room")


def test_what_does_not_fit_is_refused_before_anything_is_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(settings.home.iterdir()), contents(settings)
    monkeypatch.setattr(compacting, "free_bytes", lambda _: 1000)
    result = CliRunner().invoke(compact, obj=settings)
    assert isinstance(result.exception, DiskFull)
    assert (sorted(settings.home.iterdir()), contents(settings)) == before


def test_the_file_shrinks_and_holds_the_same(settings: Settings) -> None:
    before = contents(settings), comments(settings)
    assert room(settings) == "warn"
    result = CliRunner().invoke(compact, ["--json"], obj=settings)
    sizes = json.loads(result.output)
    assert sizes["after_bytes"] < sizes["before_bytes"] / 2
    assert settings.warehouse_path.stat().st_size == sizes["after_bytes"]
    assert settings.warehouse_path.stat().st_mode & 0o777 == 0o600
    assert (contents(settings), comments(settings)) == before
    assert room(settings) == "ok"
    assert list(settings.home.glob("*.new*")) == []
    assert load(settings, "b", [make_message("2", Visit={"VisitNumber": "2"})]).loaded == 1


def test_a_load_that_cannot_fit_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings(tmp_path / "home")
    messages = [make_message("1", Visit={"VisitNumber": "1"})]
    with monkeypatch.context() as patch:
        patch.setattr(disk, "free_bytes", lambda _: disk.LEAST_ROOM_BYTES)
        with pytest.raises(DiskFull, match="MB are free; free space"):
            load(settings, "a", messages)
        assert not settings.warehouse_path.exists()
    assert load(settings, "a", messages).loaded == 1
