"""Files, modules and names of the code that pages speak of exist; decision pages have one form."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.packaging.documents import ROOT, blocks, page_name, pages, spans

DECISIONS = ROOT / "docs" / "decisions"
_FILE = re.compile(r"(?:etl|models|sql|tests|docs|benchmarks)/[\w./-]*[\w/]")
_DOTTED = re.compile(r"(?:etl|models)(?:\.\w+)+")
NOT_IN_A_CLONE = ("etl/sql", "benchmarks/.venv", "benchmarks/.cache")
PARTS = ("Context", "Decision", "Consequences")


def fault_of_name(span: str) -> str:
    """What is wrong with a code span that names a place in the code, "" when nothing is."""
    if _FILE.fullmatch(span) and span not in NOT_IN_A_CLONE:
        return "" if (ROOT / span).exists() else f"there is no {span}"
    if _DOTTED.fullmatch(span):
        return "" if _is_there(span.split(".")) else f"there is no {span}"
    return ""


def _is_there(words: list[str]) -> bool:
    for count in range(len(words), 0, -1):
        place = ROOT.joinpath(*words[:count])
        file = next(
            (f for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file()), None
        )
        if file is not None:
            text = file.read_text("utf-8")
            return all(re.search(rf"\b{word}\b", text) for word in words[count:])
    return False


@pytest.mark.parametrize(
    ("span", "fault"),
    [
        ("etl/settings.py", ""),
        ("etl.warehouse.connection.write_lock", ""),
        ("etl.warehouse", ""),
        ("etl/warehouse/nothing.py", "there is no etl/warehouse/nothing.py"),
        ("etl.warehouse.connection.eat", "there is no etl.warehouse.connection.eat"),
        ("select 1", ""),
    ],
)
def test_wrong_names_are_told(span: str, fault: str) -> None:
    assert fault_of_name(span) == fault


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_places_on_pages_exist(page: Path) -> None:
    assert [fault for fault in map(fault_of_name, spans(page)) if fault] == []


def _decisions() -> list[Path]:
    return sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")


def test_no_two_decisions_have_one_number() -> None:
    numbers = [int(path.name[:4]) for path in _decisions()]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("page", _decisions(), ids=page_name)
def test_decision_tells_context_decision_and_consequences(page: Path) -> None:
    headings = [line for line in page.read_text("utf-8").splitlines() if line.startswith("#")]
    assert headings[0].startswith(f"# {page.name[:4]} ")
    assert headings[1:] == [f"## {part}" for part in PARTS]


def test_changelog_speaks_of_this_version() -> None:
    found = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert found is not None
    assert f"## {found[1]}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_map_shows_the_layers_that_are_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    checked = [
        _short_names(line) for line in project["tool"]["importlinter"]["contracts"][0]["layers"]
    ]
    drawn = next(blocks(ROOT / "docs" / "architecture.md")).text.splitlines()
    assert [_short_names(line.partition("  ")[0]) for line in drawn] == checked


def _short_name(module: str) -> str:
    return module.rpartition(".")[2]


def _short_names(layer: str) -> set[str]:
    return {_short_name(name.strip()) for name in layer.split("|")}


def test_every_folder_of_code_is_where_something_is_changed() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = page.partition("## Where do I change")[2].partition("## How to add")[0]
    folders = {
        f"{path.parent.relative_to(ROOT).as_posix()}/"
        for top in ("etl", "models", "sql")
        for kind in ("*.py", "*.sql", "*.csv")
        for path in (ROOT / top).rglob(kind)
        if path.name != "__init__.py" and (ROOT / "etl" / "sql") not in path.parents
    }
    assert folders
    assert sorted(folder for folder in folders if f"`{folder}" not in rows) == []
