"""Replays, closed items and reloads of a lake make of it what they make of a local home."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli.main import cli
from etl.doctor.examine import examine
from etl.errors import TransientError, UsageFault
from etl.lake import changes
from etl.lake.cluster import InProcess
from etl.lake.homes import open_home
from etl.pipeline.backup import save
from etl.pipeline.load import Loader
from etl.pipeline.quarantine import replay, resolve
from etl.pipeline.reload import Selection, reload_slices
from etl.synth import Dials
from etl.warehouse import ledger
from etl.warehouse.connection import open_warehouse
from etl.warehouse.lake import Kind, LakeFolder, LakeVersion
from models.tables.plan import SLICE_BITS
from tests.lake.lake_world import LakeWorld, clock, map_here, small_units
from tests.lake.parity import differences, lake_files

BODY = (
    '{"Meta": {"DataModel": "SSO", "EventType": "SignOn", "Logs": [{"ID": "%d"}]}, "Pager": "%d"}'
)
FIELDS = (
    "data_model,path,json_type,item_type,number_kind,temporal,value_set,value_set_confidence,"
    "sensitivity,sql_name,event_types,volatile,source,note\n"
    "SSO,Pager,string,,,,,,phone,,*,,site,\n"
)
EDGE = 1 << SLICE_BITS


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeWorld]:
    """Messages on both sides of a slice's edge, wrapped and odd ones in quarantine, in both homes."""
    world = LakeWorld(tmp_path_factory.mktemp("changed"))
    with pytest.MonkeyPatch.context() as patch:
        small_units(patch, 2**14)
        patch.setattr(InProcess, "map", map_here)
        load(world, world.write("first", Dials(messages=20, data_models=("SSO",)), files=2))
        for home in (world.local, world.lake):
            with open_warehouse(home / "warehouse.duckdb", read_only=False) as connection:
                ledger.set_next_message_id(connection, EDGE - 10)
        load(world, world.write("second", Dials(messages=30, data_models=("SSO",), seed=2)))
        lines = [BODY % (number, number) for number in range(5)]
        plain, wrapped = world.folder / "plain.ndjson", world.folder / "wrapped.ndjson"
        plain.write_text("\n".join(lines[:2]), "utf-8")
        bodies = [f'{{"body": {line}}}' for line in lines[1:]]
        wrapped.write_text("\n".join([*bodies, *["not a message"] * 3]), "utf-8")
        load(world, plain)
        load(world, wrapped)
        yield world


def load(world: LakeWorld, path: Path) -> None:
    ours, theirs = world.load_locally(path), world.load_by(None, path)
    assert ours.to_json() == theirs.to_json()


def both(world: LakeWorld, change: Callable[[Loader], Any]) -> list[Any]:
    """What a change gives in the local home and in the lake."""
    done = []
    for home in (world.local, world.lake):
        with open_home(world.settings(home), clock=clock) as loader:
            done.append(change(loader))
    return done


def newest(world: LakeWorld) -> LakeVersion:
    return world.folder_of_lake.read(world.folder_of_lake.newest())


def test_a_replay_is_one_version(world: LakeWorld) -> None:
    before = world.folder_of_lake.newest()
    ours, theirs = both(world, lambda loader: replay(loader, unwrap="body"))
    assert ours.to_json() == theirs.to_json()
    assert (ours.replayed > 4, ours.loaded, ours.duplicate) == (True, 3, 1)
    assert newest(world).kind is Kind.REPLAY
    assert newest(world).version == before + 1
    assert differences(world.local, world.lake) == []


def test_items_are_closed(world: LakeWorld) -> None:
    with open_warehouse(world.local / "warehouse.duckdb", read_only=True) as connection:
        query = "select quarantine_id from core.quarantine where state = 'open'"
        still_open = [row[0] for row in connection.execute(query).fetchall()]
    ours, theirs = both(world, lambda loader: resolve(loader, still_open[:2]))
    assert ours == theirs == 2
    assert differences(world.local, world.lake) == []


def test_a_reload_replaces_slices(world: LakeWorld) -> None:
    """A file on both sides of the edge is written again without the slice that is made again."""
    for home in (world.local, world.lake):
        (home / "catalog").mkdir()
        (home / "catalog" / "fields.csv").write_text(FIELDS, "utf-8")
    before = lake_files(world.folder_of_lake)["sso.message"]
    ours, theirs = both(world, lambda loader: reload_slices(loader, Selection(slices=(1,))))
    assert ours == theirs
    assert ours.messages > 10
    assert newest(world).carried, "the files at the edge"
    assert differences(world.local, world.lake) == []
    assert any(not path.exists() for path in before), "what was replaced is removed"
    assert world.orphans() == set()
    ours, theirs = both(world, lambda loader: reload_slices(loader, Selection()))
    assert (ours.slices, ours) == (2, theirs)
    assert differences(world.local, world.lake) == []


def test_a_driver_killed_after_its_reload_was_put(
    world: LakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next driver lets the book take the version, and readers see the old one until then."""

    def die(*_: object) -> int:
        raise KeyboardInterrupt

    before = lake_files(world.folder_of_lake)["sso.message"]
    settings = world.settings(world.lake)
    with monkeypatch.context() as patch:
        patch.setattr(changes, "finish_reload", die)
        with pytest.raises(KeyboardInterrupt), open_home(settings, clock=clock) as loader:
            reload_slices(loader, Selection(slices=(0,)))
    with open_home(world.settings(world.local), clock=clock) as loader:
        reload_slices(loader, Selection(slices=(0,)))
    assert newest(world).kind is Kind.RELOAD
    assert all(path.exists() for path in before), "the book still reads them"
    shown = CliRunner().invoke(cli, ["--home", str(world.lake), "rebuild", "3"])
    assert shown.exit_code == 0, shown.output
    ours, theirs = both(world, lambda loader: reload_slices(loader, Selection(slices=(1,))))
    assert ours == theirs
    assert differences(world.local, world.lake) == []
    assert world.orphans() == set()


def test_who_loses_the_race_changes_nothing(
    world: LakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LakeFolder, "put", lambda *_: False)
    before = world.folder_of_lake.newest()
    with (
        pytest.raises(TransientError, match="run the command again"),
        open_home(world.settings(world.lake)) as loader,
    ):
        reload_slices(loader, Selection(slices=(0,)))
    assert world.folder_of_lake.newest() == before


def test_types_are_not_changed(world: LakeWorld) -> None:
    done = CliRunner().invoke(cli, ["--home", str(world.lake), "reload", "--rebuild-tables"])
    assert isinstance(done.exception, UsageFault)
    assert "spark-load" in str(done.exception)


def test_commands_say_what_they_did(world: LakeWorld) -> None:
    done = CliRunner().invoke(cli, ["--home", str(world.lake), "reload", "--slice", "1"])
    assert "\nreloaded 24 messages in 1 slice\n" in done.output
    done = CliRunner().invoke(cli, ["--home", str(world.lake), "quarantine", "replay"])
    assert "replayed 1 = loaded 0 + duplicate 0 + still quarantined 1" in done.output
    done = CliRunner().invoke(cli, ["--home", str(world.local), "reload", "--master", "local[1]"])
    assert "leave --master out" in str(done.exception)


def test_a_lost_book_is_made_again_with_all_changes(tmp_path: Path) -> None:
    world = LakeWorld(tmp_path)
    line = BODY % (1, 1)
    wrapped = tmp_path / "wrapped.ndjson"
    wrapped.write_text(f'{{"body": {line}}}\nnot a message\n', "utf-8")
    load(world, wrapped)
    both(world, lambda loader: replay(loader, (1,), unwrap="body"))
    both(world, lambda loader: resolve(loader, (2,)))
    both(world, lambda loader: reload_slices(loader, Selection()))
    (world.lake / "warehouse.duckdb").unlink()
    assert world.load_by(None, wrapped).loads == 0
    assert differences(world.local, world.lake) == []


def test_a_restored_lake_continues(tmp_path: Path) -> None:
    world = LakeWorld(tmp_path)
    first, later = tmp_path / "first.json", tmp_path / "later.json"
    first.write_text(BODY % (1, 1), "utf-8")
    later.write_text(BODY % (2, 2), "utf-8")
    load(world, first)
    save_all = save._Saving.save_all

    def change_meanwhile(self: Any, names: tuple[str, ...]) -> None:
        save_all(self, names)
        if names == save.IMMUTABLE:
            both(world, lambda loader: reload_slices(loader, Selection()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(save._Saving, "save_all", change_meanwhile)
        save.backup(world.settings(world.lake), str(tmp_path / "backup"))
    restored = LakeWorld(tmp_path)
    restored.lake = tmp_path / "restored"
    restored.folder_of_lake = LakeFolder(restored.lake)
    command = ["--home", str(restored.lake), "restore", str(tmp_path / "backup")]
    done = CliRunner().invoke(cli, command)
    assert "the next `redox-warehouse load` continues" in done.output
    checks = [one for one in examine(restored.lake, None) if one.area == "lake"]
    assert [one.state for one in checks if one.name in ("files", "unnamed files")] == ["ok"] * 2
    assert restored.folder_of_lake.newest() == 2
    assert restored.orphans() == set()
    load(restored, later)
    assert differences(world.local, restored.lake) == []
