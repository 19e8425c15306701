"""Looks whether everything is in order, and says of what is not what to do.

Here is the order of the checks, and the boundary that keeps one failing check from hiding the
others; the checks themselves live in `home`, `state`, `kept_bytes`, `published`, `lake`, `ways_in`,
`secret_files`, `dagster_home` and, where the other side is asked, `reach`. Nothing here waits for a
lock, changes anything, or prints a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import duckdb

from etl.doctor.dagster_home import check_dagster
from etl.doctor.home import check_home, check_installation
from etl.doctor.kept_bytes import check_kept_bytes
from etl.doctor.lake import check_lake
from etl.doctor.published import check_published_files
from etl.doctor.reach import check_reach
from etl.doctor.records import Check, State, warn
from etl.doctor.secret_files import check_secret_files
from etl.doctor.state import check_catalog, check_published, check_warehouse
from etl.doctor.ways_in import check_ways_in
from etl.errors import RedoxWarehouseError
from etl.settings import Settings, read_settings, unread_environment

Checks = Callable[[Settings], Iterable[Check]]
AREAS: dict[str, Checks] = {
    "installation": check_installation,
    "home": check_home,
    "catalog": check_catalog,
    "warehouse": check_warehouse,
    "published": check_published,
    "sources": check_ways_in,
    "secrets": check_secret_files,
}
EXPECTED = (RedoxWarehouseError, OSError, duckdb.Error, ValueError, KeyError, ImportError)


def examine(
    home: Path | None,
    dagster_home: Path | None,
    *,
    is_offline: bool = True,
    is_reading_bytes: bool = False,
) -> Iterator[Check]:
    """Every check, in order; a configuration that cannot be read ends them early.

    Unless offline, contacts the sources that are set up. Reading bytes takes
    as long as reading all that was ever landed.
    """
    try:
        settings = read_settings(home)
    except RedoxWarehouseError as error:
        yield Check("configuration", "settings", State.FAIL, "they cannot be read", str(error))
        return
    yield Check("configuration", "settings", State.OK, "valid")
    yield from _unread_names()
    for area, checks in AREAS.items():
        yield from _guarded(area, lambda checks=checks: checks(settings))  # type: ignore[misc]
    yield from _guarded("landing", lambda: check_kept_bytes(settings, is_reading=is_reading_bytes))
    yield from _guarded(
        "published", lambda: check_published_files(settings, is_reading=is_reading_bytes)
    )
    yield from _guarded("lake", lambda: check_lake(settings, is_reading=is_reading_bytes))
    if not is_offline:
        yield from _guarded("sources", lambda: check_reach(settings))
    folder = dagster_home or settings.home / "dagster"
    yield from _guarded("dagster", lambda: check_dagster(folder))


def _unread_names() -> Iterator[Check]:
    """Names in the environment that nobody reads; a single `_` after the section is the usual slip."""
    names = unread_environment()
    if names:
        action = "write settings as REDOX_WAREHOUSE_SECTION__NAME, with two underscores."
        yield warn("configuration", "environment", f"not read: {', '.join(names)}", action)


def _guarded(area: str, checks: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """The checks of one area; what stops them is itself a finding, without its text if not ours."""
    try:
        yield from checks()
    except EXPECTED as error:
        told = str(error) if isinstance(error, RedoxWarehouseError) else type(error).__name__
        yield Check(area, "check", State.FAIL, "it could not be made", told)
