"""Driver and executors of a lake in one process, without Spark: what needs no cluster is always tested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.doctor.examine import examine
from etl.lake import files
from etl.lake.cluster import InProcess
from etl.lake.driver import LakeLoader, open_lake
from etl.lake.executor import TaskFailed, Write
from etl.lake.pending import pending_of
from etl.lake.work import numbered
from etl.synth import Dials
from etl.warehouse.lake import LakeFolder, LakeVersion
from models.tables.plan import WarehousePlan
from tests.lake.lake_world import LakeWorld, map_here, small_units
from tests.lake.parity import differences


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeWorld]:
    world = LakeWorld(tmp_path_factory.mktemp("process"))
    with pytest.MonkeyPatch.context() as patch:
        small_units(patch, 2**16)
        patch.setattr(InProcess, "map", map_here)
        path = world.write("first", Dials(messages=40, data_models=("SSO",)), files=3)
        ours = world.load_locally(path)
        assert ours.to_json() == world.load_by(None, path).to_json()
        assert 0 < ours.exact < ours.loaded, "both ways of reading"
        yield world


def test_all_tables_are_those_of_a_local_load(world: LakeWorld) -> None:
    assert differences(world.local, world.lake) == []


def test_files_are_for_their_owner_only(world: LakeWorld) -> None:
    for path in world.folder_of_lake.root.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_version_is_put_once(world: LakeWorld) -> None:
    before = world.folder_of_lake.read(1)
    assert not world.folder_of_lake.put(before)
    assert world.folder_of_lake.read(1) == before
    assert len(list((world.folder_of_lake.root / "versions").iterdir())) == 1


def test_a_task_that_read_other_bytes_is_noticed(world: LakeWorld) -> None:
    with open_lake(world.settings(world.lake), None) as loader:
        assert isinstance(loader, LakeLoader)
        pending = pending_of(loader.lake, loader.landing, loader.lake.read(1))
        plan, hashes = pending.plans[0], pending.results[0].hashes
        unit = replace(numbered(plan, hashes[:, 0].astype("int64") * 0, hashes), digest=b"other")
        work = Write(loader.site, [[unit]])
    with pytest.raises(TaskFailed, match="read differently"):
        list(work(iter([pa.RecordBatch.from_pydict({"id": [0]})])))


def test_a_lost_book_is_made_again(world: LakeWorld) -> None:
    """As is one of another time: what versions name is the truth."""
    (world.lake / "warehouse.duckdb").unlink()
    assert world.load_by(None, world.folder / "first").loads == 0
    assert differences(world.local, world.lake) == []
    assert world.folder_of_lake.newest() == 1


def test_long_texts_do_not_wait_for_the_end_of_a_task(
    tmp_path: Path, plan: WarehousePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task of many units holds rows of some, however few and long their values are."""
    monkeypatch.setattr(files, "MOST_MESSAGE_BYTES", 1000)
    own = files.TaskFiles(tmp_path, plan)
    for number in range(6):
        rows = {"long": "x" * 600, "short": "x"}
        tables = [
            (f"quality.{name}", pa.table({"message_id": [number], "text": [text]}))
            for name, text in rows.items()
        ]
        own.add(tables, message_bytes=700)
    groups = {}
    for file in own.finish():
        facts = pq.read_metadata(tmp_path / "lake" / file.file)
        groups[file.table] = [facts.row_group(n).num_rows for n in range(facts.num_row_groups)]
    assert groups == {"quality.long": [2, 2, 2], "quality.short": [6]}


def test_the_next_load_removes_what_killed_work_left(world: LakeWorld, tmp_path: Path) -> None:
    """But never what another driver has written since: it means to put the version after."""
    lake = world.folder_of_lake
    named = world.named_files()
    left = lake.path_of(lake.read(1).tables[0].file).with_name("0" * 32 + ".parquet")
    left.write_bytes(b"half")
    later = left.with_name("1" * 32 + ".parquet")
    assert world.load_by(None, world.folder / "first").loads == 0
    assert left.exists(), "without a version nothing is removed"
    path = tmp_path / "more.json"
    path.write_text('{"Meta": {"DataModel": "SSO", "EventType": "SignOn"}}', "utf-8")

    def put_while_another_writes(self: LakeFolder, version: LakeVersion) -> bool:
        later.write_bytes(b"another's")
        return put(self, version)

    put = LakeFolder.put
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LakeFolder, "put", put_while_another_writes)
        assert world.load_by(None, path).loaded == world.load_locally(path).loaded == 1
    assert not left.exists()
    assert later.exists()
    assert named < world.named_files()
    assert all(lake.path_of(name).exists() for name in world.named_files())
    later.unlink()


def doctor_says(home: Path, *options: str) -> dict[str, str]:
    """State and words of the checks of the lake."""
    checks = examine(home, None, is_reading_bytes="read" in options)
    return {one.name: f"{one.state}: {one.found}" for one in checks if one.area == "lake"}


def test_the_doctor_looks_at_the_lake(world: LakeWorld) -> None:
    said = doctor_says(world.lake, "read")
    assert said["files"].startswith("ok: 2 versions, ")
    assert said["warehouse"] == "ok: it has all versions"
    assert said["unnamed files"] == "ok: 0 files in no version, 0.0 MB"
    assert said["versions"] == "ok: 2 versions since the last that is whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("etl.doctor.lake.MANY_VERSIONS", 1)
        assert doctor_says(world.lake)["versions"].startswith("warn: ")
    assert doctor_says(world.local) == {}
    file = world.folder_of_lake.path_of(world.folder_of_lake.read(1).tables[0].file)
    moved = file.rename(file.with_name(f"other-{file.name}"))
    said = doctor_says(world.lake)
    moved.rename(file)
    assert said["files"].startswith("fail: ")
    assert said["files"].endswith(", of which 1 are missing or changed")
    assert said["unnamed files"].startswith("ok: 1 file in no version")
