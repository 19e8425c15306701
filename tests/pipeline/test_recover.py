"""A lost or restored part of a home is noticed at once, and `recover` continues from what is there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.cli.opening import open_loader
from etl.doctor.examine import examine
from etl.errors import PermanentError
from etl.pipeline.publish import publish
from etl.pipeline.recover import RecoverSummary, recover
from etl.pipeline.status import read_status
from etl.settings import Settings, read_settings
from etl.warehouse import identity
from tests.pipeline.small_messages import ask, load, make_patient

FIRST = [make_patient("1", {"Sex": "Male"}), {"Meta": {"DataModel": "Nothing Known"}}]
SECOND = [make_patient("2", {"Sex": "Female"}), make_patient("3", {})]
THIRD = [make_patient("4", {})]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of two loads, with the state after the first in a backup beside it."""
    settings = read_settings(tmp_path_factory.mktemp("recover") / "home")
    load(settings, "first", FIRST)
    shutil.copytree(settings.home, backup(settings))
    load(settings, "second", SECOND)
    publish(settings)
    return settings.home.parent


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Settings:
    shutil.copytree(made, tmp_path / "site", symlinks=True)
    return read_settings(tmp_path / "site" / "home")


def backup(settings: Settings) -> Path:
    return settings.home.with_name("backup")


def lose_warehouse(settings: Settings) -> None:
    settings.warehouse_path.unlink()


def lose_warehouse_and_notes(settings: Settings) -> None:
    settings.warehouse_path.unlink()
    (settings.home / identity.FILE_NAME).unlink()
    settings.status_path.unlink()


def restore_warehouse(settings: Settings) -> None:
    shutil.copyfile(backup(settings) / settings.warehouse_path.name, settings.warehouse_path)


def restore_warehouse_and_note(settings: Settings) -> None:
    restore_warehouse(settings)
    shutil.copyfile(backup(settings) / identity.FILE_NAME, settings.home / identity.FILE_NAME)


def restore_all_but_published(settings: Settings) -> None:
    restore_warehouse_and_note(settings)
    shutil.rmtree(settings.landing_path)
    shutil.copytree(backup(settings) / "landing", settings.landing_path)


Damage = Callable[[Settings], None]
STALE: list[Damage] = [lose_warehouse, lose_warehouse_and_notes, restore_warehouse,
                       restore_warehouse_and_note]  # fmt: skip


def run_recover(settings: Settings) -> RecoverSummary:
    with open_loader(settings) as loader:
        return recover(loader)


def failing(settings: Settings) -> dict[tuple[str, str], str]:
    checks = examine(settings.home, None)
    return {(c.area, c.name): c.action for c in checks if c.state == "fail"}


@pytest.mark.parametrize("damage", STALE)
def test_stale_or_missing_warehouse_stops_every_writer(home: Settings, damage: Damage) -> None:
    damage(home)
    for act in (lambda: load(home, "third", THIRD), lambda: publish(home)):
        with pytest.raises(PermanentError, match="redox-warehouse recover"):
            act()
    assert any("redox-warehouse recover" in action for action in failing(home).values())


@pytest.mark.parametrize("damage", STALE)
def test_recover_loses_nothing_doubles_nothing_gives_no_id_twice(
    home: Settings, damage: Damage
) -> None:
    given = set(ask(home, "select message_id from core.message"))
    stored_before = ask(home, "select content_hash from core.message order by all")
    damage(home)
    summary = run_recover(home)
    assert summary.is_needed
    assert ask(home, "select content_hash from core.message order by all") == stored_before
    kept = set(ask(home, "select message_id from core.message"))
    new = kept - given
    assert min(new) > max(given)
    loads = [row[0] for row in ask(home, "select load_id from core.load order by load_id")]
    assert len(loads) == len(set(loads))
    assert loads[-1] > 2
    assert load(home, "third", THIRD).loaded == 1
    assert failing(home) == {}


def test_version_of_a_newer_warehouse_stops_publishing(home: Settings) -> None:
    restore_all_but_published(home)
    with pytest.raises(PermanentError, match="redox-warehouse recover"):
        publish(home)
    run_recover(home)
    assert publish(home).is_new


def test_whole_home_from_a_backup_goes_on_as_it_was(home: Settings) -> None:
    shutil.rmtree(home.home)
    shutil.copytree(backup(home), home.home)
    assert load(home, "second", SECOND).loaded == 2
    assert publish(home).is_new


def test_recover_of_a_sound_home_changes_nothing(home: Settings) -> None:
    before = ask(home, "select count(*), max(load_id) from core.load")
    summary = run_recover(home)
    assert (summary.is_needed, summary.objects) == (False, 0)
    assert ask(home, "select count(*), max(load_id) from core.load") == before


@pytest.mark.parametrize("step", ["before the commit", "after the commit"])
def test_killed_commit_heals_by_itself(
    home: Settings, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        if step == "after the commit":
            patch.setattr(identity, "end", die)
        else:
            intended = identity.begin
            patch.setattr(identity, "begin", lambda *given: (intended(*given), die()))
        load(home, "third", THIRD)
    assert failing(home) == {}
    assert load(home, "third", THIRD).received == (0 if step == "after the commit" else 1)
    assert load(home, "fourth", [make_patient("5", {})]).loaded == 1
    note = identity.notes_of(home.home)[identity.LANDING]
    assert note is not None
    assert note.intent is None
    assert ask(home, "select count(*) from core.message") == [(5,)]


@pytest.mark.parametrize("damaged", ["commit.json", "landing/commit.json", "status.json"])
def test_damaged_note_heals_with_the_next_load(home: Settings, damaged: str) -> None:
    (home.home / damaged).write_text("{")
    assert load(home, "third", THIRD).loaded == 1
    status = read_status(home.status_path)
    assert status is not None
    assert status["loads"] == 3
    assert failing(home) == {}


def test_notes_hold_numbers_only(home: Settings) -> None:
    content = json.loads((home.home / identity.FILE_NAME).read_text())
    values = {name: value for name, value in content["done"].items() if name != "epoch"}
    assert all(isinstance(value, int) for value in values.values())
