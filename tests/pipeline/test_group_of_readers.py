"""A site lets a group read what is published: then it reads the versions that come later too."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from etl.doctor.examine import examine
from etl.pipeline.publish import publish
from etl.settings import Settings, read_settings
from tests.pipeline.small_messages import load, make_patient


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = read_settings(tmp_path / "home")
    load(settings, "first", [make_patient("1", {"Sex": "Female"})])
    publish(settings)
    return settings


def group_rights(folder: Path) -> set[int]:
    """What the group may do with files and folders below one."""
    paths = [path for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
    return {stat.S_IMODE(path.stat().st_mode) & 0o070 for path in paths}


def rights(settings: Settings) -> tuple[str, str]:
    (check,) = (one for one in examine(settings.home, None) if one.name == "rights")
    return check.state, check.found


@pytest.mark.slow
def test_later_versions_have_the_rights_of_the_folder(home: Settings) -> None:
    assert group_rights(home.published_path) == {0}
    assert rights(home) == ("ok", "only its owner can read it")
    home.published_path.chmod(0o750)
    load(home, "second", [make_patient("2", {})])
    version = publish(home).version
    folder = home.published_path / "versions" / str(version)
    assert group_rights(folder) == {0o050, 0o040}
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o750
    state, found = rights(home)
    assert (state, "a group may read" in found) == ("ok", True)


def test_anybody_else_is_still_told(home: Settings) -> None:
    home.published_path.chmod(0o755)
    state, found = rights(home)
    assert (state, "published" in found) == ("warn", True)
    home.published_path.chmod(0o750)
    home.landing_path.chmod(0o750)
    state, found = rights(home)
    assert (state, found) == ("warn", "others have access to landing (1)")
