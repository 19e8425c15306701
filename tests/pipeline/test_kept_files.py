"""Files that take long to make are made once, and whoever deletes them loses nothing."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from etl.kept_files import copy_kept, keep, kept_name
from etl.pipeline.publish import publish
from etl.publish.folders import VIEWS_FILE
from etl.warehouse import template
from etl.warehouse.schema import Schema
from models.catalog import Catalog
from models.tables.plan import WarehousePlan
from tests.pipeline.published_world import make_home

FEW = {"Device", "SSO"}


def columns_of(path: Path) -> list[tuple[str, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "select schema_name, table_name, column_name, data_type, comment "
            "from duckdb_columns() where not internal order by all"
        ).fetchall()


def test_second_warehouse_is_a_copy(
    tmp_path: Path, catalog: Catalog, plan: WarehousePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema, cache = Schema(catalog, plan), tmp_path / "cache"
    first, second, third = (tmp_path / name / "warehouse.duckdb" for name in "abc")
    template.create_warehouse(first, schema, FEW, cache=cache)
    with monkeypatch.context() as patched:
        patched.setattr(Schema, "ensure", None)  # nothing is created now
        template.create_warehouse(second, schema, {*FEW, "not a model"}, cache=cache)
    for kept in cache.iterdir():
        assert kept.stat().st_mode & 0o077 == 0
        kept.unlink()
    template.create_warehouse(third, schema, FEW, cache=cache)
    assert columns_of(first) == columns_of(second) == columns_of(third)
    schemas = {row[0] for row in columns_of(first)}
    assert {"device", "sso", "core", "quality"} <= schemas
    assert "patient_admin" not in schemas


def test_names_change_with_all_that_decides() -> None:
    sources = {"etl.warehouse": ("schema.py",)}
    names = {
        kept_name("tables", "a", sources),
        kept_name("tables", "b", sources),
        kept_name("tables", "a", {"etl.warehouse": ("connection.py",)}),
        kept_name("views", "a", sources),
    }
    assert len(names) == 4


def test_oldest_are_forgotten(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_bytes(b"made")
    other = tmp_path / "cache" / "catalog.pickle"
    for number in range(30):
        kept = tmp_path / "cache" / f"views-{number}.duckdb"
        keep(made, kept)
        os.utime(kept, (number, number))
    other.write_bytes(b"")
    assert not copy_kept(tmp_path / "cache" / "views-0.duckdb", tmp_path / "copy")
    assert copy_kept(tmp_path / "cache" / "views-29.duckdb", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"made"
    assert other.exists()
    assert len(list((tmp_path / "cache").iterdir())) == 24 + 1


@pytest.mark.slow
def test_kept_views_read_their_own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second, third = (make_home(tmp_path / name) for name in "abc")
    publish(first)
    (kept,) = (tmp_path / "redox-warehouse").glob("views-*.duckdb")
    made = kept.stat().st_mtime_ns
    publish(second)
    kept.write_bytes(kept.read_bytes()[:5000])  # a damaged one is made again
    publish(third)
    assert kept.stat().st_mtime_ns > made
    views = [home.published_path / "current" / VIEWS_FILE for home in (first, second, third)]
    assert columns_of(views[0]) == columns_of(views[1]) == columns_of(views[2])
    for home in (first, third):
        (home.published_path / "current").resolve().rename(
            tmp_path / f"gone-{home.home.parent.name}"
        )
    with duckdb.connect(str(views[1]), read_only=True) as connection:
        assert connection.execute("select count(*) > 0 from core.message").fetchall() == [(True,)]
