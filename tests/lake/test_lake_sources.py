"""What comes in other forms, and columns that come later, are in a lake what they are in a local home."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli.main import cli
from etl.landing.segments import MAGIC, encode_record
from etl.pipeline.backup.save import backup
from etl.pipeline.publish import publish
from etl.synth import Dials, write_synthetic
from etl.synth.dials import Compression, Output
from models.catalog import read_catalog
from tests.lake.lake_world import FEW_MODELS, SHARES, LakeWorld, clock, small_units
from tests.lake.parity import differences, published_differences

pytestmark = pytest.mark.spark

SEGMENT = "000001.seg"
FIELDS = (
    "data_model,path,json_type,item_type,number_kind,temporal,value_set,value_set_confidence,"
    "sensitivity,sql_name,event_types,volatile,source,note\n"
    "PatientAdmin,Visit.Pager,string,,,,,,phone,,*,,site,\n"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeWorld]:
    with pytest.MonkeyPatch.context() as patch:
        small_units(patch)
        yield LakeWorld(tmp_path_factory.mktemp("sources"))


def test_envelopes_and_compressed_files(world: LakeWorld, spark: Any) -> None:
    path = world.folder / "wrapped"
    output = Output(files=2, compression=Compression.GZ, envelope="body")
    dials = Dials(messages=80, data_models=FEW_MODELS, shares=SHARES, output=output)
    write_synthetic(path, catalog=read_catalog(), dials=dials)
    ours = world.load_locally(path, unwrap="body")
    theirs = world.load_by(spark, path, unwrap="body")
    assert ours.to_json() == theirs.to_json()
    assert ours.loaded
    assert differences(world.local, world.lake) == []


def test_segments_of_the_webhook(world: LakeWorld, spark: Any) -> None:
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


def test_columns_that_come_later(world: LakeWorld, spark: Any) -> None:
    for home in (world.local, world.lake):
        (home / "catalog").mkdir()
        (home / "catalog" / "fields.csv").write_text(FIELDS, "utf-8")
    later = world.folder / "later.json"
    later.write_bytes(message(7, Pager="7"))
    assert world.load_locally(later).loaded == world.load_by(spark, later).loaded == 1
    assert [one for one in differences(world.local, world.lake) if "landed_object" not in one] == []
    folders = [
        Path(publish(world.settings(home), clock=clock).folder)
        for home in (world.local, world.lake)
    ]
    differing = set(published_differences(*folders)) - {"core.landed_object"}
    assert differing == set()


def test_a_restored_lake_continues(world: LakeWorld, spark: Any, tmp_path: Path) -> None:
    backup(world.settings(world.lake), str(tmp_path / "backup"))
    restored = LakeWorld(world.folder)
    restored.lake = tmp_path / "restored"
    done = CliRunner().invoke(
        cli, ["--home", str(restored.lake), "restore", str(tmp_path / "backup")]
    )
    assert "the next `redox-warehouse spark-load` continues" in done.output
    later = world.folder / "latest.json"
    later.write_bytes(message(8))
    assert world.load_locally(later).loaded == restored.load_by(spark, later).loaded == 1
    found = differences(world.local, restored.lake)
    assert [one for one in found if "landed_object" not in one] == []


def message(number: int, **visit: str) -> bytes:
    """A small message of its own content."""
    meta = {"DataModel": "PatientAdmin", "EventType": "Arrival", "Logs": [{"ID": f"log-{number}"}]}
    return json.dumps({"Meta": meta, "Visit": {"VisitNumber": str(number), **visit}}).encode()
