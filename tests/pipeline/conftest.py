"""Homes to load into, and synthetic feeds written once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from etl.settings import Settings, read_settings
from tests.pipeline.command import CommandLine
from tests.pipeline.published_world import make_home


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(tmp_path / "home")


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[[str], Settings]:
    return lambda name: read_settings(tmp_path / name)


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line on a home that does not exist yet."""
    return CommandLine(tmp_path / "home", capsys)


@pytest.fixture
def unpublished(tmp_path: Path) -> Settings:
    """A home of its own with two slices, which was never published."""
    return make_home(tmp_path)
