"""Folders for their owner only, whatever the umask of whoever uses the library."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.atomic import own_folder


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_umask")
def test_folders_above_are_for_the_owner_only_as_well(tmp_path: Path) -> None:
    own_folder(tmp_path / "a" / "b" / "c")
    made = sorted(tmp_path.rglob("*"))
    assert [path.name for path in made] == ["a", "b", "c"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}


def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there").chmod(0o750)
    own_folder(tmp_path / "there" / "new")
    own_folder(tmp_path / "there")
    assert stat.S_IMODE((tmp_path / "there").stat().st_mode) == 0o750


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        own_folder(tmp_path / "file")
