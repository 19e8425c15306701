"""A home that an earlier version made: writers say so, one command brings it up, nothing doubles."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from etl.errors import PermanentError
from etl.landing.store import Landing
from etl.pipeline import migrate as migrations
from etl.pipeline.load import load_paths, open_loader
from etl.pipeline.migrate import MigrateSummary, migrate
from etl.settings import Settings, read_settings
from tests.pipeline.command import CommandLine

HOMES = sorted((Path(__file__).parents[1] / "homes").glob("*.tar.xz"))
MESSAGES = 60


@pytest.fixture(params=HOMES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def old_home(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    (found,) = (path for path in tmp_path.iterdir() if path.is_dir())
    return read_settings(found)


def run_migrate(settings: Settings) -> MigrateSummary:
    with open_loader(settings) as loader:
        return migrate(loader)


def other_spelling(settings: Settings, path: Path) -> None:
    """All landed messages with their keys in another order, on several lines."""
    landing = Landing(settings.landing_path)
    (object_id,) = landing.object_ids()
    items = landing.items(object_id)
    raw = [
        landing.read(object_id, int(offset), int(length))
        for offset, length in zip(items.offset, items.length, strict=True)
    ]
    spelled = [json.dumps(dict(reversed(json.loads(text).items())), indent=1) for text in raw]
    path.write_text("\n".join(spelled))


def test_writers_say_what_to_run(old_home: Settings, tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text(
        '{"Meta": {"DataModel": "Device", "EventType": "New"}, "Device": {"ID": "1"}}'
    )
    with pytest.raises(PermanentError, match="redox-warehouse migrate"):
        load_paths(old_home, [str(tmp_path / "new.json")])


def test_doctor_says_what_to_run(old_home: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    told = CommandLine(old_home.home, capfd).run("doctor", "--offline")
    assert told.code == 1
    assert "redox-warehouse migrate" in told.out


def test_redeliveries_are_known_again(old_home: Settings, tmp_path: Path) -> None:
    other_spelling(old_home, tmp_path / "again.json")
    assert run_migrate(old_home) == MigrateSummary(True, MESSAGES, 0, ())
    assert run_migrate(old_home) == MigrateSummary(False, 0, 0, ())
    again = load_paths(old_home, [str(tmp_path / "again.json")])
    assert (again.received, again.duplicate, again.loaded) == (MESSAGES, MESSAGES, 0)


def test_killed_between_two_slices_it_continues(
    old_home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "mark_hashes", die)
        with pytest.raises(KeyboardInterrupt):
            run_migrate(old_home)
    summary = run_migrate(old_home)
    assert (summary.is_needed, summary.messages) == (True, 0), "the slice was done"


def test_messages_whose_bytes_are_gone_are_listed(old_home: Settings) -> None:
    for path in old_home.landing_path.glob("??/*"):
        path.unlink()
    summary = run_migrate(old_home)
    assert (summary.messages, summary.without_bytes, len(summary.objects)) == (0, MESSAGES, 1)
