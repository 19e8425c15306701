"""docs/pull.md names every setting with its default, every placeholder and every option."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.cli.pull import pull as command
from etl.pull.plan import DAY_NAMES
from etl.sections import PullSettings

PAGE = Path(__file__).parents[2].joinpath("docs", "pull.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(PullSettings.model_fields))
def test_a_setting_is_documented(name: str) -> None:
    assert name in PAGE


@pytest.mark.parametrize("name", sorted(DAY_NAMES))
def test_a_placeholder_is_documented(name: str) -> None:
    assert f"`{{{{{name}}}}}`" in PAGE


def test_options_are_documented() -> None:
    options = {flag for parameter in command.params for flag in parameter.opts if "--" in flag}
    assert {flag for flag in options if flag not in PAGE} <= {"--parallel", "--json"}
