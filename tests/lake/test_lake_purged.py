"""A patient who is purged from a lake is in none of its files, and the rest is as in a local home."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli.main import cli
from etl.doctor.examine import examine
from etl.lake import whole
from etl.lake.cluster import InProcess
from etl.lake.driver import load_lake
from etl.lake.homes import open_home
from etl.pipeline.purge.request import PurgeRequest
from etl.pipeline.purge.run import PurgeSummary, purge
from etl.pipeline.retention import retain
from etl.pipeline.sources import Sources
from etl.queries.figures import read_figures
from etl.sections import RetentionSettings
from etl.settings import Settings, read_settings
from etl.warehouse.lake import Kind, LakeFolder
from tests.lake.lake_world import HASH_KEY, map_here
from tests.lake.parity import differences
from tests.pipeline.small_messages import ask
from tests.privacy import planted
from tests.privacy.planted import PATIENT, found, make_home

REQUEST = PurgeRequest(patients=(PATIENT,), reason="asked for it")
TIMED = ("core.load", "core.landed_object", "core.quarantine", "core.purge", "core.purged_item")
"""Tables that say when something was done, which both homes did at times of their own."""


def load_here(settings: Settings, paths: Sequence[str], *, unwrap: str = "") -> Any:
    return load_lake(settings, None, Sources({}).list(paths), unwrap=unwrap)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The planted messages in a local home and in a lake, of one key."""
    folder = tmp_path_factory.mktemp("planted")
    published = planted.publish

    def publish_at_the_end(settings: Settings) -> None:
        """Of the lake alone, once: it takes time."""
        if settings.home.name == "home" and (folder / "last.ndjson").exists():
            published(settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planted, "publish", publish_at_the_end)
        make_home(folder, name="local")
        (folder / "last.ndjson").unlink()
        (folder / "home").mkdir(mode=0o700)
        shutil.copy2(folder / "local" / HASH_KEY, folder / "home" / HASH_KEY)
        patch.setattr(InProcess, "map", map_here)
        make_home(folder, load=load_here)
        yield folder


@pytest.fixture(scope="module")
def purged(made: Path) -> Path:
    """Both homes after the purge."""
    for name in ("local", "home"):
        shutil.copytree(made / name, made / "purged" / name, symlinks=True)
    assert {"data", "book"} <= {place.split("/")[1] for place in places(made / "home", "lake")}
    ours, theirs = (run_purge(made / "purged" / name) for name in ("local", "home"))
    assert ours.removed == theirs.removed
    assert theirs.removed.messages == 9
    assert theirs.versions.removed == (1,)
    return made / "purged"


@pytest.fixture
def lake(made: Path, tmp_path: Path) -> Path:
    """The planted lake to be changed, without published versions, which take time."""
    shutil.copytree(made / "home", tmp_path / "home", ignore=shutil.ignore_patterns("published"))
    return tmp_path / "home"


def run_purge(home: Path) -> PurgeSummary:
    with open_home(read_settings(home)) as loader:
        return purge(loader, REQUEST)


def places(home: Path, below: str) -> list[str]:
    return [place for place, _ in found(home) if place.startswith(f"{below}/")]


def orphans(home: Path) -> set[str]:
    folder = LakeFolder(home)
    return folder.present() - folder.needed()


def differing(local: Path, lake: Path) -> list[str]:
    found = differences(local, lake)
    return [one for one in found if one.partition(":")[0] not in TIMED]


def test_nothing_of_a_purged_patient_is_found(purged: Path) -> None:
    assert found(purged / "home") == set()


def test_the_rest_is_as_in_a_local_home(purged: Path) -> None:
    assert differing(purged / "local", purged / "home") == []
    ours, theirs = (read_figures(read_settings(purged / name)).ledger for name in ("local", "home"))
    assert ours == theirs


def test_one_version_says_all(purged: Path) -> None:
    folder = LakeFolder(purged / "home")
    newest = folder.newest()
    assert [path.name for path in (folder.root / "versions").iterdir()] == [f"{newest}.json"]
    assert folder.read(newest).kind is Kind.PURGE
    assert orphans(purged / "home") == set()
    checks = [one for one in examine(purged / "home", None) if one.area in ("lake", "warehouse")]
    assert {one.name: one.state for one in checks if one.state == "fail"} == {}


@pytest.mark.slow
def test_a_book_that_is_lost_comes_back_without_the_patient(purged: Path, tmp_path: Path) -> None:
    """And still refuses what was purged."""
    home = tmp_path / "home"
    shutil.copytree(purged / "home", home, symlinks=True)
    (home / "warehouse.duckdb").unlink()
    first = str(purged.parent / "first.ndjson")
    again = load_here(read_settings(home), [first]).loaded
    assert (again.loads, again.loaded) == (0, 0)
    assert differing(purged / "local", home) == []
    assert places(home, "lake") == places(home, "landing") == []
    path = tmp_path / "again.ndjson"
    path.write_text(Path(first).read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    refused = load_here(read_settings(home), [str(path)]).loaded
    assert (refused.loaded, refused.purged) == (0, 1)
    assert places(home, "lake") == places(home, "landing") == []


def die(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


KILLS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the version": lambda patch: patch.setattr(LakeFolder, "put", die),
    "after the version": lambda patch: patch.setattr(whole, "commit", die),
    "before files are removed": lambda patch: patch.setattr(LakeFolder, "clean", die),
}


@pytest.mark.faults
@pytest.mark.parametrize("moment", KILLS)
def test_killed_anywhere_it_ends_the_same(
    purged: Path, lake: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with open_home(read_settings(lake)) as loader:
        loader.load_sources(
            loader.sources.list([str(lake / "incoming")]), unwrap="", in_place=False
        )
    with monkeypatch.context() as patch:
        KILLS[moment](patch)
        with pytest.raises(KeyboardInterrupt):
            run_purge(lake)
    run_purge(lake)
    assert found(lake) == set()
    assert orphans(lake) == set()
    assert not (lake / "purge.json").exists()
    query = "select messages, finished_at is not null from core.purge"
    assert ask(read_settings(lake), query) == [(9, True)]


@pytest.mark.slow
def test_what_is_too_old_leaves_a_lake(lake: Path) -> None:
    keep = RetentionSettings(messages_days={"*": 30}, quarantine_days=30)
    settings = read_settings(lake).model_copy(update={"retention": keep})
    with open_home(settings) as loader:
        counted = retain(loader, apply=False).removed
        assert counted.messages > 5
        done = retain(loader, apply=True).removed
    assert done.messages >= counted.messages
    assert ask(settings, "select count(*) from core.message") == [(0,)]
    assert LakeFolder(lake).held(LakeFolder(lake).newest()) == []
    assert places(lake, "lake") == []


@pytest.mark.slow
def test_compacting_keeps_every_row(lake: Path, made: Path) -> None:
    left = LakeFolder(lake).path_of("data/left.parquet")
    left.write_bytes(b"half")
    done = CliRunner().invoke(cli, ["--home", str(lake), "compact"])
    assert done.exit_code == 0, done.output
    assert "\nThe lake has " in done.output
    folder = LakeFolder(lake)
    held = [one.file.table for one in folder.held(folder.newest())]
    assert len(held) == len(set(held)), "one file of each table"
    assert [path.name for path in (folder.root / "versions").iterdir()] == [
        f"{folder.newest()}.json"
    ]
    assert not left.exists()
    assert differing(made / "local", lake) == []
    (lake / "warehouse.duckdb").unlink()
    assert load_here(read_settings(lake), [str(made / "first.ndjson")]).loaded.loads == 0
    assert differing(made / "local", lake) == []
