"""The wheel: carries modules, catalog and SQL, works where no checkout is, and is the same again."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import duckdb
import pytest

from tests.packaging.documents import ROOT

SOURCES = ("etl", "models", "sql", "pyproject.toml", "setup.py", "README.md")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "*.so", "_reader.c")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the sources, so that no build leaves anything in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    return _build_wheel(_copy_sources(folder))


def _copy_sources(folder: Path) -> Path:
    copy = folder / "source"
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=LEFT_OUT)
        else:
            shutil.copyfile(source, copy / name)
    return copy


def _build_wheel(source: Path) -> Path:
    """Build beside the sources; the reader without optimization, which takes a fifth of the time."""
    _run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps",
         "--no-build-isolation", "--wheel-dir", str(source.parent), str(source)],
        READER_CFLAGS="-O0",
    )  # fmt: skip
    (built,) = source.parent.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The folder of programs of an environment that has the wheel, and its needs from this one."""
    environment = wheel.parent / "environment"
    _run([sys.executable, "-m", "venv", "--without-pip", str(environment)])
    python = environment / "bin" / "python"
    _run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index",
         "--no-deps", str(wheel)],
    )  # fmt: skip
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    peers = environment / "lib" / version / "site-packages" / "peers.pth"
    peers.write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin"


def _run(
    call: list[str], cwd: Path | None = None, home: Path | None = None, **variables: str
) -> str:
    unset = ("PYTHONPATH", "REDOX_WAREHOUSE_HOME")
    env = {name: value for name, value in os.environ.items() if name not in unset} | variables
    env |= {"REDOX_WAREHOUSE_HOME": str(home)} if home else {}
    done = subprocess.run(call, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_top_level_holds_only_our_two_packages(names: set[str]) -> None:
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"etl", "models"}


@pytest.mark.parametrize("package", ["etl", "models"])
def test_every_file_of_a_package_is_packed(names: set[str], package: str) -> None:
    files = (file for file in (ROOT / package).rglob("*") if file.is_file())
    wanted = {file.relative_to(ROOT).as_posix() for file in files if "__pycache__" not in str(file)}
    made = (".pyc", "_reader.c")  # by running and by building
    assert {name for name in wanted if not name.endswith(made)} - names == set()


def test_sql_is_packed_beside_the_modules_that_read_it(names: set[str]) -> None:
    wanted = {f"etl/{file.relative_to(ROOT).as_posix()}" for file in (ROOT / "sql").rglob("*.sql")}
    assert wanted
    assert {name for name in names if name.startswith("etl/sql/")} == wanted


@pytest.mark.slow
def test_installed_wheel_loads_and_publishes(installed: Path, tmp_path: Path) -> None:
    program, home = str(installed / "redox-warehouse"), tmp_path / "home"
    where = _run([str(installed / "python"), "-c", "import etl; print(etl.__file__)"], tmp_path)
    assert Path(where).is_relative_to(installed.parent)

    assert "redox-warehouse" in _run([program, "--help"], tmp_path)
    _run([program, "synth", "messages", "-n", "20", "--model", "Inventory"], tmp_path, home)
    summary = json.loads(_run([program, "load", "messages", "--json"], tmp_path, home))
    _run([program, "publish"], tmp_path, home)

    assert summary["loaded"] == 20
    published = home / "published" / "current" / "warehouse.duckdb"
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute("select count(*) from inventory.message").fetchone()
        verdicts = connection.execute("select count(*) > 0 from quality.field_verdict").fetchone()
    assert (rows, verdicts) == ((20,), (True,))


def test_wheel_depends_on_no_folder_no_clock_and_no_umask(wheel: Path) -> None:
    """What may differ between two builds of the same sources; the next test builds twice."""
    source = str(wheel.parent / "source").encode()
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.infolist()
        assert {entry.date_time for entry in entries} == {(2026, 1, 1, 0, 0, 0)}
        assert {stat.S_IMODE(entry.external_attr >> 16) for entry in entries} <= {
            0o644, 0o755, 0o664,
        }  # fmt: skip
        assert [entry.filename for entry in entries if source in archive.read(entry)] == []


@pytest.mark.slow
def test_wheel_of_another_folder_has_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """Under another umask, with other times, and with what an earlier build left behind."""
    source = _copy_sources(tmp_path / "elsewhere")
    left = source / "build" / f"lib.{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
    (left / "etl").mkdir(parents=True)
    (left / "etl" / "removed_since.py").write_text("")
    (source / "etl" / "kernel" / "_reader.c").write_text("/* Generated by Cython 0 */")
    _make_different(source)
    before = os.umask(0o077)
    try:
        again = _build_wheel(source)
    finally:
        os.umask(before)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


@pytest.mark.slow
def test_source_distribution_of_another_folder_has_the_same_bytes(tmp_path: Path) -> None:
    archives = []
    for name in ("here", "elsewhere"):
        source = _copy_sources(tmp_path / name)
        if archives:
            _make_different(source)
        program = "from setuptools import build_meta; build_meta.build_sdist('..')"
        _run([sys.executable, "-c", program], source)
        archives += (tmp_path / name).glob("*.tar.gz")
    first, second = archives
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert {"setup.py", "sql/mart/patient.sql", "etl/kernel/_reader.pyx"} <= packed


def _make_different(source: Path) -> None:
    for path in (*source.rglob("*"), source):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (10**9, 10**9))
