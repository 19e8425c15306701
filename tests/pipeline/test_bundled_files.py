"""A folder of one file per message: landed in bundles, loaded, shown, reloaded, purged, recovered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from etl.cli.opening import open_loader
from etl.doctor.examine import examine
from etl.landing.store import Landing
from etl.pipeline.load import load_paths
from etl.pipeline.recover import recover
from etl.settings import Settings, read_settings
from tests.pipeline.command import CommandLine
from tests.pipeline.small_messages import ask, make_patient, reload_all

FILES = 30
BAD = b'{"Meta": {"DataModel": "PatientAdmin"'


def write_files(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number in range(FILES):
        message = make_patient(str(number), {"Sex": "Female", "LastName": f"Planted{number:02}"})
        (folder / f"{number:03}.json").write_text(json.dumps(message))
    (folder / "bad.json").write_bytes(BAD)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("bundled") / "site"
    settings = read_settings(site / "home")
    summary = load_paths(settings, [str(write_files(site / "feed"))])
    assert (summary.loaded, summary.quarantined, summary.objects) == (FILES, 1, FILES + 1)
    return site


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Settings:
    shutil.copytree(made, tmp_path / "site", symlinks=True)
    return read_settings(tmp_path / "site" / "home")


def kept_bytes(settings: Settings) -> bytes:
    landing = Landing(settings.landing_path)
    ids = landing.object_ids()
    return b"".join(landing.read(one, 0, landing.describe(one).size_bytes) for one in ids)


def test_three_files_hold_all_of_them(home: Settings) -> None:
    files = [path for path in home.landing_path.rglob("*") if path.suffix in (".zst", ".parquet")]
    assert len(files) == 3
    assert BAD in kept_bytes(home)


def test_known_files_are_skipped_one_by_one(home: Settings) -> None:
    feed = home.home.parent / "feed"
    (feed / "new.json").write_text(json.dumps(make_patient("new", {"Sex": "Male"})))
    summary = load_paths(home, [str(feed)])
    assert (summary.objects, summary.skipped_objects, summary.loaded) == (FILES + 2, FILES + 1, 1)


def test_each_is_shown_from_its_own_bytes(
    home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(home.home.parent / "feed")
    command = CommandLine(home.home, capsys)
    rows = ask(home, "select message_id, log_id from core.message order by 1")
    for message_id, log_id in rows[::7]:
        shown = command.run("show", str(message_id))
        assert shown.code == 0
        assert json.loads(shown.out)["Meta"]["Logs"][0]["ID"] == log_id


def test_reload_reads_them_again(home: Settings) -> None:
    before = ask(home, "select * from patient_admin.message order by message_id")
    reload_all(home)
    assert ask(home, "select * from patient_admin.message order by message_id") == before


def test_one_is_purged_and_its_neighbors_stay(
    home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(home.home.parent / "feed")
    ((chosen,),) = ask(
        home,
        "select message_id from patient_admin.message where patient_demographics_last_name = 'Planted07'",
    )
    told = CommandLine(home.home, capsys).run(
        "purge", "--message", str(chosen), "--reason", "asked for it"
    )
    assert told.code == 0, told.err
    kept = kept_bytes(home)
    assert b"Planted07" not in kept
    assert b"Planted06" in kept and b"Planted08" in kept
    reload_all(home)
    assert len(ask(home, "select 1 from core.message")) == FILES - 1


def test_a_lost_warehouse_is_built_again_from_them(home: Settings) -> None:
    before = ask(home, "select content_hash from core.message order by 1")
    home.warehouse_path.unlink()
    with open_loader(home) as loader:
        summary = recover(loader)
    assert (summary.objects, summary.loaded.loaded, summary.loaded.quarantined) == (
        FILES + 1, FILES, 1,
    )  # fmt: skip
    assert ask(home, "select content_hash from core.message order by 1") == before
    assert all(check.state != "fail" for check in examine(home.home, None, is_reading_bytes=True))
