"""Counts of many loads become one row per slice, day and path, and every answer stays what it was.

What is compared with is a lake that never rolls up, so that two promises need one comparison of all
that is published: lakes and local homes say the same, too.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from etl.cli.main import cli
from etl.lake.homes import open_home
from etl.pipeline.publish import publish
from etl.pipeline.sources import Sources
from etl.settings import read_settings
from etl.synth import Dials, write_synthetic
from etl.synth.dials import Output, Shares
from etl.warehouse import roll_up
from etl.warehouse.lake import LakeFolder
from tests.lake.parity import published_differences
from tests.packaged import packaged_catalog

AT = datetime(2026, 2, 1, tzinfo=UTC)
LOADS = 9
GROUP = "slice, day, source_id, facility_code, data_model, event_type, is_test"
ROLLED = {"quality.message_count": GROUP, "quality.path_count": f"{GROUP}, path"}


def load_one_by_one(home: Path, folder: Path) -> None:
    """Each file is a load of its own."""
    with open_home(read_settings(home), clock=lambda: AT) as loader:
        for path in sorted(folder.iterdir()):
            listed = Sources({}).list([str(path)])
            assert loader.load_sources(listed, unwrap="", in_place=False).loads == 1


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The same loads with counts rolled up every four loads, and a lake without."""
    root = tmp_path_factory.mktemp("rolled")
    folder, rolled, plain = (root / name for name in ("messages", "rolled", "plain"))
    dials = Dials(
        LOADS * 12, data_models=("PatientAdmin",), shapes=2, days=3,
        shares=Shares(unlisted_keys=0.1), output=Output(files=LOADS),
    )  # fmt: skip
    write_synthetic(folder, catalog=packaged_catalog(), dials=dials)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roll_up, "LEAST_LOADS", 2)
        patch.setattr(roll_up, "EVERY_LOADS", 4)
        load_one_by_one(rolled, folder)
        plain.mkdir(mode=0o700)
        LakeFolder(plain).make()
        shutil.copy2(rolled / "content_hash.key", plain)
        patch.setattr(roll_up, "EVERY_LOADS", 10**9)
        load_one_by_one(plain, folder)
        yield rolled, plain


def rows_and_keys(home: Path, table: str) -> tuple[int, int]:
    query = f"select count(*), count(distinct ({ROLLED[table]})) from {table}"
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        rows, keys = connection.execute(query).fetchall()[0]
    return rows, keys


@pytest.mark.parametrize("table", ROLLED)
def test_rows_do_not_grow_with_loads(homes: tuple[Path, Path], table: str) -> None:
    """What is not rolled up yet is of the loads since the last time, here one."""
    (rolled, keys), (plain, _) = (rows_and_keys(home, table) for home in homes)
    assert keys <= rolled < plain
    assert rolled <= 2 * keys


def test_everything_published_says_the_same(homes: tuple[Path, Path]) -> None:
    ours, theirs = (Path(publish(read_settings(home), clock=lambda: AT).folder) for home in homes)
    differing = set(published_differences(ours, theirs))
    assert differing - {"core.slice_change", "core.warehouse"} <= ROLLED.keys()
    drift = [CliRunner().invoke(cli, ["--home", str(home), "drift", "--json"]) for home in homes]
    assert drift[0].output == drift[1].output
    assert '"unlisted_key"' in drift[0].output


def test_sums_are_those_of_the_loads(homes: tuple[Path, Path]) -> None:
    for table, key in ROLLED.items():
        query = f"select {key}, sum(messages) from {table} group by all order by all"
        with duckdb.connect(":memory:") as connection:
            sums = []
            for number, home in enumerate(homes):
                connection.execute(
                    f"attach '{home / 'warehouse.duckdb'}' as home{number} (read_only)"
                )
                connection.execute(f"use home{number}")
                sums.append(connection.execute(query).fetchall())
        assert sums[0] == sums[1]


def test_the_rolled_slices_are_published_again(homes: tuple[Path, Path]) -> None:
    """Its part would keep the rows of single loads otherwise."""
    with duckdb.connect(str(homes[0] / "warehouse.duckdb"), read_only=True) as connection:
        changed = connection.execute("select distinct load_id from core.slice_change").fetchall()
    assert {4, 8} <= {load_id for (load_id,) in changed}
