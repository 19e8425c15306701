"""What analysts read of a lake is what they read of a local home: tables, marts, views, Delta tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from etl.pipeline.delta import register_delta
from etl.pipeline.publish import PublishSummary, publish
from etl.publish.manifest import read_manifest
from etl.synth import Dials
from tests.lake.lake_world import FEW_MODELS, LakeWorld, clock, small_units
from tests.lake.parity import published_differences

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Iterator[LakeWorld]:
    world = LakeWorld(tmp_path_factory.mktemp("published"))
    with pytest.MonkeyPatch.context() as patch:
        small_units(patch)
        path = world.write("first", Dials(messages=300, data_models=FEW_MODELS))
        world.load_locally(path)
        world.load_by(spark, path)
        yield world


@pytest.fixture(scope="module")
def published(world: LakeWorld) -> dict[Path, PublishSummary]:
    return {home: publish(world.settings(home), clock=clock) for home in (world.local, world.lake)}


def test_tables_marts_and_verdicts_are_the_same(
    world: LakeWorld, published: dict[Path, PublishSummary]
) -> None:
    ours, theirs = (Path(published[home].folder) for home in (world.local, world.lake))
    assert published_differences(ours, theirs) == []


def test_rows_are_linked_not_written_again(
    world: LakeWorld, published: dict[Path, PublishSummary]
) -> None:
    folder = Path(published[world.lake].folder)
    files = {path.stat().st_ino for path in world.folder_of_lake.root.rglob("*.parquet")}
    own = [*(folder / "patient_admin" / "message").iterdir()]
    assert len(own) > 1
    assert {path.stat().st_ino for path in own} <= files


def test_the_next_version_takes_what_was_added(
    world: LakeWorld, published: dict[Path, PublishSummary], spark: Any
) -> None:
    """Every table of the version is a Delta table, the second time with the new files only."""
    target = str(world.folder / "delta")
    register_delta(world.settings(world.lake), target)
    before = DeltaTable(f"{target}/patient_admin/message")
    world.load_by(spark, world.write("second", Dials(messages=30, data_models=FEW_MODELS, seed=3)))
    summary = publish(world.settings(world.lake), clock=clock)
    done = register_delta(world.settings(world.lake), target)
    after = DeltaTable(f"{target}/patient_admin/message")
    manifest = read_manifest(Path(summary.folder) / "manifest.json")
    assert manifest is not None
    rows = manifest.tables["patient_admin.message"].rows
    assert after.to_pyarrow_table().num_rows == rows > before.to_pyarrow_table().num_rows
    assert set(before.file_uris()) < set(after.file_uris())
    assert done.files_added < done.tables * 2
