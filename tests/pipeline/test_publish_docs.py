"""The recipes of docs/published.md run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from etl.queries.export import export
from tests.pipeline.published_world import current, published_home

PAGE = Path(__file__).parents[2] / "docs" / "published.md"
RECIPES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
def test_recipe_runs(recipe: str, tmp_path: Path) -> None:
    """In a process of its own, as a reader runs it: one process opens a file one way only."""
    (tmp_path / ".redox-warehouse").symlink_to(published_home().home)
    done = subprocess.run(
        [sys.executable, "-c", recipe], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_page_names_the_files_that_are_there(tmp_path: Path) -> None:
    text = PAGE.read_text("utf-8")
    folder = current(published_home())
    for path in folder.iterdir():
        assert path.is_dir() or path.name in text
    export(published_home(), tmp_path / "out", tables=["core.load"])
    for path in (tmp_path / "out").iterdir():
        assert path.is_dir() or path.name in text
