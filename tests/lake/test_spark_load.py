"""A lake that Spark loaded holds what a local home of the same messages holds, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from etl.cli.main import cli
from etl.errors import UsageFault
from etl.synth import Dials
from tests.lake.lake_world import FEW_MODELS, LakeWorld, small_units
from tests.lake.parity import differences, lake_files


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Iterator[LakeWorld]:
    """Few messages in several units, loaded both ways; a second load with duplicates of the first."""
    world = LakeWorld(tmp_path_factory.mktemp("lake"))
    with pytest.MonkeyPatch.context() as patch:
        small_units(patch)
        first = world.write("first", Dials(messages=150, data_models=FEW_MODELS))
        second = world.write("second", Dials(messages=40, data_models=FEW_MODELS, seed=2))
        some = (first / sorted(path.name for path in first.iterdir())[0]).read_bytes()
        (second / "again.ndjson").write_bytes(some)
        for path in (first, second):
            ours, theirs = world.load_locally(path), world.load_by(spark, path)
            assert ours.to_json() == theirs.to_json()
            assert ours.loaded and ours.duplicate and ours.quarantined
        yield world


def test_all_tables_are_those_of_a_local_load(world: LakeWorld) -> None:
    assert differences(world.local, world.lake) == []
    assert world.folder_of_lake.newest() == 2
    assert max(len(files) for files in lake_files(world.folder_of_lake).values()) > 2


def test_the_comparison_finds_one_value(world: LakeWorld) -> None:
    files = lake_files(world.folder_of_lake)["patient_admin.message"]
    rows = pq.ParquetFile(files[0]).read()
    at = rows.column_names.index("source_id")
    other = rows.set_column(at, "source_id", [["other", *rows["source_id"].to_pylist()[1:]]])
    content = files[0].read_bytes()
    files[0].chmod(0o600)
    pq.write_table(other, files[0])
    found = differences(world.local, world.lake)
    files[0].write_bytes(content)
    files[0].chmod(0o400)
    assert found == ["patient_admin.message: 1 rows are missing, 1 are too many"]


def test_loading_again_changes_nothing(world: LakeWorld, spark: Any) -> None:
    again = world.load_by(spark, world.folder / "first")
    assert (again.loads, again.loaded, again.skipped_objects) == (0, 0, 2)
    assert world.folder_of_lake.newest() == 2
    assert world.orphans() == set()


CHANGES = (
    ("load", "."),
    ("reload", "--rebuild-tables"),
    ("purge", "--message", "1", "--reason", "asked"),
    ("migrate",),
    ("recover",),
)


@pytest.mark.parametrize("command", CHANGES, ids=" ".join)
def test_commands_that_change_rows_are_refused(world: LakeWorld, command: tuple[str, ...]) -> None:
    before = sorted(path for path in world.lake.rglob("*") if path.is_file())
    done = CliRunner().invoke(cli, ["--home", str(world.lake), *command])
    assert isinstance(done.exception, UsageFault), done.output
    assert "spark-load" in str(done.exception)
    assert sorted(path for path in world.lake.rglob("*") if path.is_file()) == before


def test_messages_are_rebuilt_and_read_alike(world: LakeWorld) -> None:
    for command in (("rebuild", "3"), ("show", "3"), ("findings",)):
        ours, theirs = (
            CliRunner().invoke(cli, ["--home", str(home), *command]).output
            for home in (world.local, world.lake)
        )
        assert ours == theirs
        assert len(ours) > 1


def test_a_local_home_is_not_loaded_by_spark(world: LakeWorld, spark: Any) -> None:
    from etl.lake import load

    with pytest.raises(UsageFault, match="without Spark"):
        load(spark, [str(world.folder / "first")], world.local)


def test_versions_hold_no_names_of_sources_and_no_values(world: LakeWorld) -> None:
    for path in (world.folder_of_lake.root / "versions").iterdir():
        text = path.read_text("utf-8")
        assert "ndjson" not in text
        assert str(world.folder) not in text
        assert Path(path).stat().st_mode & 0o777 == 0o400
