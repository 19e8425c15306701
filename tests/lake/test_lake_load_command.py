"""`redox-warehouse load` in a lake: the tables of a local home, loaded by this process alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from etl.cli.load import IN_PROCESS
from etl.cli.main import cli
from etl.errors import PermanentError, UsageFault
from etl.framing.segments import MAGIC, encode_record
from etl.lake import homes
from etl.lake.homes import is_lake, open_home
from etl.settings import read_settings
from etl.synth import Dials
from tests.lake.lake_world import LakeWorld, clock
from tests.lake.parity import differences

MASTER = '[lake]\nmaster = "spark://nowhere:7077"\n'
MESSAGE = b'{"Meta": {"DataModel": "SSO", "EventType": "SignOn", "Message": {"ID": 1}}}'


def load(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(home), "load", *arguments], standalone_mode=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeWorld]:
    """A local home, and a new one whose settings name a cluster: both know one key."""
    world = LakeWorld(tmp_path_factory.mktemp("loaded"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(homes, "open_home", partial(open_home, clock=clock))
        path = world.write("first", Dials(messages=40, data_models=("SSO",)))
        world.load_locally(path)
        world.share_key(world.lake)
        (world.lake / "redox-warehouse.toml").write_text(MASTER, "utf-8")
        yield world


def test_all_tables_are_those_of_a_local_load(world: LakeWorld) -> None:
    """The settings make the new home a lake; no cluster is asked."""
    done = load(world.lake, str(world.folder / "first"))
    assert done.return_value == 3
    assert done.stderr.count(IN_PROCESS) == 1
    assert "loaded " in done.stdout
    assert world.folder_of_lake.newest() == 1
    assert differences(world.local, world.lake) == []


def test_what_waits_is_loaded(world: LakeWorld) -> None:
    for home in (world.local, world.lake):
        (home / "incoming").mkdir(mode=0o700)
        segment = home / "incoming" / "000001.seg"
        segment.write_bytes(MAGIC + encode_record(1_767_600_000_000_000, MESSAGE))
        os.utime(segment, (1, 1))
        done = load(home, "--json")
        assert (json.loads(done.stdout)["loaded"], done.stderr) == (1, "")
        assert not segment.exists(), "it is landed and loaded"
    own_paths = [one for one in differences(world.local, world.lake) if "landed_object" not in one]
    assert own_paths == []


def test_a_lost_warehouse_comes_back_where_nothing_waits(world: LakeWorld) -> None:
    (world.lake / "warehouse.duckdb").unlink()
    done = load(world.lake)
    assert "received 0 = loaded 0" in done.stdout
    assert [one for one in differences(world.local, world.lake) if "landed_object" not in one] == []
    assert world.folder_of_lake.newest() == 2


def test_bytes_are_not_left_where_they_are(world: LakeWorld) -> None:
    done = load(world.lake, "--in-place", str(world.folder / "first"))
    assert isinstance(done.exception, UsageFault)
    assert "without --in-place" in str(done.exception)


def test_a_local_home_stays_one(world: LakeWorld, tmp_path: Path) -> None:
    """Also where a cluster is named later, and where its warehouse is lost."""
    home = tmp_path / "home"
    shutil.copytree(world.local, home)
    (home / "redox-warehouse.toml").write_text(MASTER, "utf-8")
    assert not is_lake(read_settings(home))
    (home / "warehouse.duckdb").unlink()
    done = load(home, str(world.folder / "first"))
    assert isinstance(done.exception, PermanentError)
    assert "`redox-warehouse recover`" in str(done.exception)
    assert not (home / "lake").exists()
