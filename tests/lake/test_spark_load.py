"""A lake that Spark loaded holds what a local home of the same messages holds, row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable

from etl.cli.main import cli
from etl.errors import UsageFault
from etl.framing.segments import MAGIC, encode_record
from etl.lake.homes import open_home
from etl.pipeline.delta import register_delta
from etl.pipeline.publish import publish
from etl.pipeline.reload import Selection, reload_slices
from etl.publish.manifest import read_manifest
from etl.synth import Dials, write_synthetic
from etl.synth.dials import Compression, Output
from etl.warehouse.lake import Kind
from models.catalog import read_catalog
from tests.lake.lake_world import FEW_MODELS, SHARES, LakeWorld, clock, small_units
from tests.lake.parity import differences, lake_files, published_differences

SEGMENT = "000001.seg"
FIELDS = (
    "data_model,path,json_type,item_type,number_kind,temporal,value_set,value_set_confidence,"
    "sensitivity,sql_name,event_types,volatile,source,note\n"
    "PatientAdmin,Visit.Pager,string,,,,,,phone,,*,,site,\n"
)


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
            assert world.load_here(path).to_json() == ours.to_json()
            assert ours.loaded and ours.duplicate and ours.quarantined
        yield world


def test_all_tables_are_those_of_a_local_load(world: LakeWorld) -> None:
    assert differences(world.local, world.lake) == []
    assert differences(world.local, world.here) == [], "a lake that no executor loaded"
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
    ("load", "--in-place", "."),
    ("reload", "--rebuild-tables"),
    ("migrate",),
    ("recover",),
)


@pytest.mark.parametrize("command", CHANGES, ids=" ".join)
def test_commands_that_change_rows_are_refused(world: LakeWorld, command: tuple[str, ...]) -> None:
    before = sorted(path for path in world.lake.rglob("*") if path.is_file())
    done = CliRunner().invoke(cli, ["--home", str(world.lake), *command])
    assert isinstance(done.exception, UsageFault), done.output
    assert "load" in str(done.exception)
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


@pytest.fixture(scope="module")
def published(world: LakeWorld) -> dict[Path, Path]:
    """The first version that both homes publish, and the lake's as Delta tables."""
    folders = {home: publish_home(world, home) for home in (world.local, world.lake)}
    register_delta(world.settings(world.lake), str(world.folder / "delta"))
    return folders


def publish_home(world: LakeWorld, home: Path) -> Path:
    return Path(publish(world.settings(home), clock=clock).folder)


@pytest.mark.spark
def test_tables_marts_and_verdicts_are_the_same(
    world: LakeWorld, published: dict[Path, Path]
) -> None:
    assert published_differences(published[world.local], published[world.lake]) == []


@pytest.mark.spark
def test_rows_are_linked_not_written_again(world: LakeWorld, published: dict[Path, Path]) -> None:
    files = {path.stat().st_ino for path in world.folder_of_lake.root.rglob("*.parquet")}
    own = [*(published[world.lake] / "patient_admin" / "message").iterdir()]
    assert len(own) > 1
    assert {path.stat().st_ino for path in own} <= files


@pytest.fixture(scope="module")
def grown(world: LakeWorld, published: dict[Path, Path], spark: Any) -> dict[Path, Path]:
    """After it a field that came later, envelopes, compressed files, then the next version."""
    for home in (world.local, world.lake):
        (home / "catalog").mkdir()
        (home / "catalog" / "fields.csv").write_text(FIELDS, "utf-8")
    wrapped = world.folder / "wrapped"
    output = Output(files=2, compression=Compression.GZ, envelope="body")
    dials = Dials(messages=40, data_models=FEW_MODELS, shares=SHARES, output=output, seed=3)
    write_synthetic(wrapped, catalog=read_catalog(), dials=dials)
    (wrapped / "later.json").write_bytes(b'{"body": %s}' % message(7, Pager="7"))
    ours = world.load_locally(wrapped, unwrap="body")
    theirs = world.load_by(spark, wrapped, unwrap="body")
    assert ours.to_json() == theirs.to_json()
    assert ours.loaded > 30
    assert differences(world.local, world.lake) == []
    return {home: publish_home(world, home) for home in (world.local, world.lake)}


@pytest.mark.spark
def test_what_came_later_is_in_the_next_version(world: LakeWorld, grown: dict[Path, Path]) -> None:
    assert published_differences(grown[world.local], grown[world.lake]) == []
    held = world.folder_of_lake.held(world.folder_of_lake.newest())
    own = [one.columns for one in held if one.file.table == "patient_admin.message"]
    assert ["visit_pager" in columns for columns in own].count(True) == 1
    assert len(own) > 1


@pytest.mark.spark
def test_delta_tables_take_what_was_added(world: LakeWorld, grown: dict[Path, Path]) -> None:
    target = str(world.folder / "delta")
    before = DeltaTable(f"{target}/results/message")
    done = register_delta(world.settings(world.lake), target)
    after = DeltaTable(f"{target}/results/message")
    manifest = read_manifest(grown[world.lake] / "manifest.json")
    assert manifest is not None
    rows = manifest.tables["results.message"].rows
    assert after.to_pyarrow_table().num_rows == rows > before.to_pyarrow_table().num_rows
    assert set(before.file_uris()) < set(after.file_uris())
    assert done.files_added < done.tables * 2


@pytest.mark.spark
def test_segments_of_the_webhook(world: LakeWorld, grown: dict[Path, Path], spark: Any) -> None:
    bodies = [message(number) for number in range(3)]
    for home in (world.local, world.lake):
        incoming = home / "incoming"
        incoming.mkdir(mode=0o700)
        records = (encode_record(1_767_600_000_000_000 + n, body) for n, body in enumerate(bodies))
        (incoming / SEGMENT).write_bytes(MAGIC + b"".join(records))
    ours = world.load_locally(world.local / "incoming")
    theirs = world.load_by(spark, world.lake / "incoming")
    assert ours.loaded == theirs.loaded == 3
    assert not (world.lake / "incoming" / SEGMENT).exists(), "it is landed and loaded"
    assert [one for one in differences(world.local, world.lake) if "landed_object" not in one] == []


@pytest.mark.spark
def test_a_reload_by_executors(world: LakeWorld, grown: dict[Path, Path], spark: Any) -> None:
    """It fills the field that came later, for messages of before."""
    for home, session in ((world.local, None), (world.lake, spark)):
        with open_home(world.settings(home), clock=clock, spark=session) as loader:
            assert reload_slices(loader, Selection()).slices == 1
    assert world.folder_of_lake.read(world.folder_of_lake.newest()).kind is Kind.RELOAD
    assert [one for one in differences(world.local, world.lake) if "landed_object" not in one] == []
    held = world.folder_of_lake.held(world.folder_of_lake.newest())
    own = [one.columns for one in held if one.file.table == "patient_admin.message"]
    assert all("visit_pager" in columns for columns in own)


def message(number: int, **visit: str) -> bytes:
    """A small message of its own content."""
    meta = {"DataModel": "PatientAdmin", "EventType": "Arrival", "Logs": [{"ID": f"log-{number}"}]}
    return json.dumps({"Meta": meta, "Visit": {"VisitNumber": str(number), **visit}}).encode()
