"""A backup made while loads run brings a lost disk back: after the next load nothing is missing."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.cli.opening import open_loader
from etl.errors import PermanentError, UsageFault
from etl.pipeline.backup.restore import backups_in, restore
from etl.pipeline.backup.save import backup, read_record
from etl.pipeline.publish import publish
from etl.pipeline.recover import recover
from etl.settings import Settings, read_settings
from tests.pipeline.small_messages import Facts, facts, load, make_patient

PER_LOAD = ("core.load", "core.load_part", "core.landed_object", "core.warehouse")
NUMBERED = ("message_id", "first_message_id", "load_id", "slice")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published home of two loads."""
    settings = read_settings(tmp_path_factory.mktemp("backup") / "home")
    load(settings, "first", [make_patient("1", {"Sex": "Male"}), make_patient("2", {})])
    publish(settings)
    (settings.home / "redox-warehouse.toml").write_text("[publish]\nkeep_versions = 3\n")
    load(settings, "second", [make_patient("3", {"Sex": "Odd"})])
    return settings.home.parent


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Settings:
    shutil.copytree(made, tmp_path / "site", symlinks=True)
    return read_settings(tmp_path / "site" / "home")


def state(settings: Settings) -> Facts:
    """What a home holds, without numbers that are given one after the other."""
    return facts(settings, without=NUMBERED, leave_out=PER_LOAD)


def recovered(settings: Settings) -> None:
    with open_loader(settings) as loader:
        recover(loader)


def test_lost_disk_restore_next_load_equals_an_undisturbed_home(
    home: Settings, tmp_path: Path
) -> None:
    target = str(tmp_path / "backup")
    backup(home, target)
    loads = threading.Thread(target=load, args=(home, "while", [make_patient("4", {})]))
    loads.start()
    backup(home, target)
    loads.join()
    load(home, "after", [make_patient("5", {})])
    expected = state(home)
    shutil.rmtree(home.home)
    restore(home, target)
    recovered(home)
    load(home, "while", [make_patient("4", {})])
    load(home, "after", [make_patient("5", {})])
    ours = state(home)
    assert ours == expected
    assert publish(home).rows
    assert read_settings(home.home).publish.keep_versions == 3


@pytest.mark.parametrize("part", ["warehouse.duckdb", "landing"])
def test_a_stale_part_is_made_one_with_the_rest(home: Settings, tmp_path: Path, part: str) -> None:
    target = str(tmp_path / "backup")
    backup(home, target)
    load(home, "after", [make_patient("5", {})])
    expected = state(home)
    if part == "landing":
        shutil.rmtree(home.landing_path)
    restore(home, target, only=(part,))
    recovered(home)
    load(home, "after", [make_patient("5", {})])
    ours = state(home)
    assert ours == expected


def test_a_second_backup_writes_only_what_is_new(home: Settings, tmp_path: Path) -> None:
    target = str(tmp_path / "backup")
    first = backup(home, target)
    second = backup(home, target, keep=1)
    assert 0.9 * first.bytes < first.bytes_written <= first.bytes, "equal files are kept once"
    assert second.bytes_written < first.bytes_written / 2
    assert second.removed_backups == 1
    assert [one.name for one in backups_in(home, target)] == [second.name]
    assert set(read_record(home)) == {target}
    assert second.is_same_disk


def test_the_newest_backup_is_the_one_made_last_whatever_the_clock_says(
    home: Settings, tmp_path: Path
) -> None:
    target = str(tmp_path / "backup")
    ahead = backup(home, target, clock=lambda: datetime(2040, 1, 1, tzinfo=UTC))
    load(home, "third", [make_patient("4", {})])
    later = backup(home, target, keep=1)
    assert [one.name for one in backups_in(home, target)] == [later.name]
    assert later.name > ahead.name
    again = read_settings(tmp_path / "again")
    restore(again, target)
    assert state(again) == state(home)


def test_a_bucket_takes_backups_too(home: Settings, tmp_path: Path) -> None:
    target = "memory://backups/home"
    backup(home, target)
    expected = state(home)
    moved = read_settings(tmp_path / "other")
    restore(moved, target)
    assert state(moved) == expected


def test_a_damaged_backup_is_refused_before_the_warehouse_is_touched(
    home: Settings, tmp_path: Path
) -> None:
    backup(home, str(tmp_path / "backup"))
    for chunk in (tmp_path / "backup" / "chunks").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"damaged")
    with pytest.raises(PermanentError, match="damaged"):
        restore(read_settings(tmp_path / "other"), str(tmp_path / "backup"))
    assert not (tmp_path / "other" / "warehouse.duckdb").exists()


def test_a_home_that_is_not_empty_is_not_overwritten(home: Settings, tmp_path: Path) -> None:
    backup(home, str(tmp_path / "backup"))
    with pytest.raises(UsageFault, match="not empty"):
        restore(home, str(tmp_path / "backup"))
    with pytest.raises(UsageFault, match="inside the home"):
        backup(home, str(home.home / "backup"))
