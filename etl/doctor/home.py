"""Checks of what is on the machine: the installation, the home, its rights and its space."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from etl.doctor.records import Check, fail, ok, warn
from etl.duckdb_files import connected
from etl.errors import WarehouseBusy
from etl.plurals import counted
from etl.publish.folders import GROUP_READS
from etl.settings import Settings
from etl.temporary import is_left_over
from etl.warehouse.connection import write_lock

DISTRIBUTION = "redox-warehouse"
EXTENSIONS = ("icu", "json", "parquet")
SITES_OWN = ("redox-warehouse.toml", "catalog", "organizations.csv", "requests", "dagster")
HALF_MADE = ("staging/*", "warehouse.duckdb.*.new", "*.tmp", "reports/.*.partial")
_LEAST_FREE_BYTES = 2**28
_INSTALL = "install the package again with its constraints"


def check_installation(_: Settings) -> Iterator[Check]:
    """Versions of what is installed, and what DuckDB brings along."""
    area = "installation"
    yield ok(area, "python", f"{platform.python_version()} on {platform.system()}")
    faults = [fault for line in requires(DISTRIBUTION) or () if (fault := _fault(line))]
    if faults:
        yield fail(area, "packages", "; ".join(faults), f"{_INSTALL}.")
    else:
        yield ok(area, "packages", f"complete, with duckdb {version('duckdb')}")
    yield _extensions(area)


def _fault(line: str) -> str:
    requirement = Requirement(line)
    if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
        return ""
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is missing"
    is_right = requirement.specifier.contains(found, prereleases=True)
    return "" if is_right else f"{requirement.name} is {found}, needed {requirement.specifier}"


def _extensions(area: str) -> Check:
    with connected(spill=None) as connection:
        query = "select extension_name from duckdb_extensions() where loaded"
        loaded = {row[0] for row in connection.execute(query).fetchall()}
    missing = [name for name in EXTENSIONS if name not in loaded]
    if missing:
        found = f"{', '.join(missing)} not inside"
        return fail(area, "duckdb extensions", found, "install duckdb from its official wheel.")
    return ok(area, "duckdb extensions", ", ".join(EXTENSIONS))


def check_home(settings: Settings) -> Iterator[Check]:
    """The folder of all state: is it there, whose is it, how full is its disk, what was left."""
    home, area = settings.home, "home"
    if not home.is_dir():
        yield warn(
            area, "folder", "it does not exist yet", "run `redox-warehouse load` to create it."
        )
        return
    yield _writable(area, home)
    yield _rights(area, settings)
    yield _space(area, settings)
    yield _leftovers(area, settings)


def _writable(area: str, home: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=home):
            return ok(area, "folder", "writable")
    except OSError:
        action = "make it writable for its owner, or choose another folder with --home."
        return fail(area, "folder", "it cannot be written", action)


def _rights(area: str, settings: Settings) -> Check:
    """All files of state are for their owner only; the home's own folder may be looked into.

    What is published may be read by a group, if the site lets it into that folder.
    """
    opened: Counter[str] = Counter()
    published = settings.published_path
    shared = published.stat().st_mode & GROUP_READS if published.is_dir() else 0
    for path in _everything(settings.home):
        allowed = shared if path == published or published in path.parents else 0
        with suppress(FileNotFoundError):  # a load goes on meanwhile
            if path.lstat().st_mode & 0o077 & ~allowed and not path.is_symlink():
                opened[path.relative_to(settings.home).parts[0]] += 1
    if opened:
        action = f"run chmod -R go= on them in {settings.home}."
        places = ", ".join(f"{name} ({count:,})" for name, count in sorted(opened.items()))
        return warn(area, "rights", f"others have access to {places}", action)
    group = ", except that a group may read what is published" if shared else ""
    return ok(area, "rights", f"only its owner can read it{group}")


def _everything(home: Path) -> Iterator[Path]:
    """All below the home but the files that the site writes itself, and Dagster's own folder."""
    for top in sorted(home.iterdir()):
        if top.name in SITES_OWN:
            continue
        yield top
        if top.is_dir() and not top.is_symlink():
            yield from top.rglob("*")


def _space(area: str, settings: Settings) -> Check:
    free = shutil.disk_usage(settings.home).free
    found = f"{free / 1e9:,.1f} GB free"
    if free < _LEAST_FREE_BYTES:
        return fail(area, "disk", found, "free space before the next load.")
    wanted = max(4 * settings.load.load_bytes, settings.receive.min_free_bytes)
    if free < wanted:
        action = f"free space: a load of full size needs {wanted / 1e9:,.1f} GB."
        return warn(area, "disk", found, action)
    return ok(area, "disk", found)


def _leftovers(area: str, settings: Settings) -> Check:
    """What a killed process left half done. While a load runs its own files are no leftovers."""
    try:
        with write_lock(settings.warehouse_path, wait_s=0):
            found = [path for pattern in HALF_MADE for path in settings.home.glob(pattern)]
    except WarehouseBusy:
        return ok(area, "leftovers", "a load is running")
    except PermissionError:  # a copy to read, which no load writes to
        return ok(area, "leftovers", "not checked, because the home is not writable")
    found += [path for path in _folders(settings.temporary_path) if is_left_over(path)]
    found += [path for path in _folders(settings.landing_path / "tmp") if is_left_over(path)]
    if found:
        kinds = Counter(path.relative_to(settings.home).parts[0] for path in found)
        places = ", ".join(sorted(kinds))
        action = f"the next load removes them; or delete them yourself: {places}."
        return warn(area, "leftovers", f"{counted(len(found), 'half-made file')}", action)
    return ok(area, "leftovers", "none")


def _folders(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
