"""What is imported is declared, what is declared is used, what is installed is pinned."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.documents import ROOT

OURS = {"etl", "models"}
BUILDING = ("setuptools", "wheel")
SET_UP_EXTRAS = ("s3", "ui", "delta", "dev")
OPTIONAL = {"deltalake": "etl/publish/delta", "pyspark": "etl/lake"}
"""What an extra brings, and the only folder that may import it."""
WITHOUT_UPPER_BOUND = {
    "adlfs": "named after years; it moves with fsspec",
    "cryptography": "a new major version every few weeks, with what security asks for",
    "fsspec": "named after years",
    "gcsfs": "named after years; it moves with fsspec",
    "packaging": "named after years",
    "pytz": "named after years; newer ones know newer time zones",
    "s3fs": "named after years; it moves with fsspec",
}
NOT_IMPORTED = {
    "lxml": "beautifulsoup4 is told to parse with it",
    "pandas": "analysts' recipes: duckdb gives data frames with it",
    "pytz": "duckdb needs it to give TIMESTAMPTZ to Python",
    "uvloop": "uvicorn is told to run on it",
}


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _windows() -> list[Requirement]:
    """What an installation may need: all but what only developers install."""
    extras = _project()["optional-dependencies"]
    lines = [line for extra in extras if extra != "dev" for line in extras[extra]]
    return [Requirement(line) for line in (*_project()["dependencies"], *lines)]


def _declared() -> dict[str, Requirement]:
    requirements = map(Requirement, _project()["dependencies"])
    return {canonicalize_name(one.name): one for one in requirements}


def _files() -> list[Path]:
    return [file for package in sorted(OURS) for file in (ROOT / package).rglob("*.py")]


def _imported(files: Iterable[Path]) -> set[str]:
    names = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - OURS


def _distributions() -> set[str]:
    known = {name: [name] for name in OPTIONAL} | dict(packages_distributions())
    return {canonicalize_name(known[name][0]) for name in _imported(_files())}


def test_every_import_is_declared() -> None:
    assert _distributions() - _declared().keys() - OPTIONAL.keys() == set()


@pytest.mark.parametrize("name", OPTIONAL)
def test_what_an_extra_brings_is_imported_in_one_place_only(name: str) -> None:
    extras = _project()["optional-dependencies"].values()
    assert any(canonicalize_name(Requirement(line).name) == name for one in extras for line in one)
    importing = {file for file in _files() if name in _imported([file])}
    assert importing
    assert [file for file in importing if ROOT / OPTIONAL[name] not in file.parents] == []


def test_every_declared_package_is_used() -> None:
    assert _declared().keys() - _distributions() == NOT_IMPORTED.keys()


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.partition("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in pins}


def test_constraints_are_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [
        pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", pin)
    ] == []
    assert len(_pins()) == len(pins)


def test_constraints_pin_everything_that_setup_installs() -> None:
    extras = _project()["optional-dependencies"]
    asked = [*_project()["dependencies"], *BUILDING]
    asked += [line for extra in SET_UP_EXTRAS for line in extras[extra]]
    assert _needed(map(Requirement, asked)) - _pins().keys() == set()


def test_constraints_keep_the_declared_windows() -> None:
    pinned = {one.name: version for one in _windows() if (version := _pins().get(_name(one)))}
    assert {one.name for one in _windows()} - pinned.keys() == {"adlfs", "gcsfs"}
    assert [
        str(one) for one in _windows()
        if one.name in pinned and not one.specifier.contains(pinned[one.name])
    ] == []  # fmt: skip


def test_every_window_has_two_ends() -> None:
    """A new major version comes in after its tests, not by the next installation."""
    open_below = {_name(one) for one in _windows() if not _bounds(one, ">=")}
    open_above = {_name(one) for one in _windows() if not _bounds(one, "<")}
    assert open_below == set()
    assert open_above == WITHOUT_UPPER_BOUND.keys()


def test_the_page_names_the_versions_of_python_that_were_tested() -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
    tested = set(re.findall(r"^\| (3\.\d+)\.\d+ \|", page, re.MULTILINE))
    declared = [
        line.rpartition(" ")[2] for line in _project()["classifiers"] if "Python ::" in line
    ]
    assert tested == set(declared)


def _name(one: Requirement) -> str:
    return canonicalize_name(one.name)


def _bounds(one: Requirement, operator: str) -> bool:
    return any(part.operator == operator for part in one.specifier)


def _needed(asked: Iterable[Requirement]) -> set[str]:
    """All distributions that these need, themselves included, on this machine."""
    waiting, seen = list(asked), dict[str, set[str]]()
    while waiting:
        one = waiting.pop()
        name, extras = canonicalize_name(one.name), {"", *one.extras}
        if extras <= seen.get(name, set()):
            continue
        extras |= seen.setdefault(name, set())
        seen[name] = extras
        try:
            inner = map(Requirement, distribution(name).requires or ())
        except PackageNotFoundError:
            continue
        waiting += [
            one for one in inner
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
        ]  # fmt: skip
    return set(seen)
