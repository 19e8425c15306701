"""What a lake is advised to run is never what a lake refuses."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from etl.doctor.examine import examine
from etl.errors import PermanentError, RedoxWarehouseError
from etl.lake.cluster import InProcess
from etl.lake.homes import open_home
from etl.pipeline.publish import publish
from etl.pipeline.watch import load_waiting
from etl.settings import read_settings
from etl.synth import Dials
from tests.lake.lake_world import AT, LakeWorld, map_here

REFUSED = {"recover", "migrate"}
_NAMED = re.compile(r"`redox-warehouse ([a-z-]+)")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    world = LakeWorld(tmp_path_factory.mktemp("advice"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InProcess, "map", map_here)
        path = world.write("first", Dials(messages=5, data_models=("SSO",)), files=1)
        world.load_by(None, path)
        yield world.lake


def lose_warehouse(home: Path) -> None:
    (home / "warehouse.duckdb").unlink()


def damage_warehouse(home: Path) -> None:
    (home / "warehouse.duckdb").write_bytes(b"not DuckDB" * 1000)


def forget_commits(home: Path) -> None:
    for place in (home, home / "landing"):
        (place / "commit.json").write_text("{}", "utf-8")


def note_a_later_commit(home: Path) -> None:
    """As if the warehouse came from an older backup."""
    for place in (home, home / "landing"):
        path = place / "commit.json"
        text = path.read_text("utf-8")
        epoch = re.search(r'"epoch": "([0-9a-f]+)"', text)
        assert epoch
        path.write_text(text.replace(epoch[1], "0" * 32), "utf-8")


def lose_bytes(home: Path) -> None:
    for path in (home / "landing").rglob("*"):
        if path.is_file() and path.name != "commit.json":
            path.unlink()


def change_key(home: Path) -> None:
    (home / "content_hash.key").write_bytes(b"k" * 32)


def lose_lists(home: Path) -> None:
    (home / "status.json").unlink()
    (home / "seen.parquet").write_bytes(b"x")


RETYPED = (
    "data_model,path,json_type,item_type,number_kind,temporal,value_set,value_set_confidence,"
    "sensitivity,sql_name,event_types,volatile,source,note\n"
    "SSO,EmailAddress,string,,,datetime,,,staff,,*,,site,\n"
)
BROKEN = (
    lose_warehouse, damage_warehouse, forget_commits, note_a_later_commit, lose_bytes, change_key,
    lose_lists,
)  # fmt: skip


@pytest.mark.parametrize("breaks", BROKEN, ids=lambda one: one.__name__)
def test_what_is_advised_works(home: Path, tmp_path: Path, breaks: Callable[[Path], None]) -> None:
    broken = tmp_path / "home"
    shutil.copytree(home, broken)
    breaks(broken)
    settings = read_settings(broken)
    checks = [one for one in examine(broken, None) if one.state != "ok"]
    said = [f"{one.found} {one.action}" for one in checks]
    if breaks in (lose_warehouse, note_a_later_commit):
        with pytest.raises(RedoxWarehouseError) as raised:
            publish(settings)
        said.append(str(raised.value))
    assert said
    named = {name for text in said for name in _NAMED.findall(text)}
    assert not named & REFUSED, said


def test_another_type_of_a_column_is_refused(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "home"
    shutil.copytree(home, broken)
    overlay = broken / "catalog"
    overlay.mkdir()
    (overlay / "fields.csv").write_text(RETYPED, "utf-8")
    with pytest.raises(PermanentError, match="a new home with `redox-warehouse spark-load`"):
        publish(read_settings(broken))


@pytest.mark.parametrize("breaks", [lose_warehouse, note_a_later_commit, lose_lists])
def test_a_load_of_nothing_helps(
    home: Path, tmp_path: Path, breaks: Callable[[Path], None]
) -> None:
    """It is what errors and `doctor` advise here."""
    broken = tmp_path / "home"
    shutil.copytree(home, broken)
    breaks(broken)
    faults = [one for one in examine(broken, None) if one.state != "ok"]
    assert any("run `redox-warehouse load`" in f"{one.found} {one.action}" for one in faults)
    load_waiting(read_settings(broken), AT, opened=partial(open_home, read_settings(broken)))
    left = {one.name for one in examine(broken, None) if one.state != "ok"}
    assert left == {one.name for one in examine(home, None) if one.state != "ok"}
