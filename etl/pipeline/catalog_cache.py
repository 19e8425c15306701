"""The catalog and its tables as they were compiled last time: that takes half a second.

Kept in the user's cache folder under a hash of every file they are made from, the site's included
and the code that compiles them; anything else is another catalog. It holds facts of the catalog only.
A file of another user is never read.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from etl.atomic import own_folder, replacing
from etl.settings import Settings
from models.catalog import Catalog, read_catalog
from models.tables.plan import WarehousePlan, plan_tables

MOST_KEPT = 4
_known: dict[str, tuple[Catalog, WarehousePlan]] = {}
"""The one this process read last: records of it are never changed."""


def site_catalog(settings: Settings) -> Catalog:
    """The catalog with a home's lines; raises CatalogFaults."""
    return site_plan(settings)[0]


def site_plan(settings: Settings) -> tuple[Catalog, WarehousePlan]:
    """The catalog with a home's lines, and its tables; raises CatalogFaults."""
    return read_cached_plan(settings.catalog_path, settings.cache_path)


def read_cached_plan(overlay: Path, cache_folder: Path) -> tuple[Catalog, WarehousePlan]:
    """The catalog with the site's lines, and its tables.

    Raises CatalogFaults as `read_catalog` does, PlanFaults as `plan_tables` does.
    """
    version = _version(overlay)
    if version not in _known:
        compiled = _read(overlay, cache_folder / f"catalog-{version}.pickle")
        _known.clear()
        _known[version] = compiled
    return _known[version]


def _read(overlay: Path, path: Path) -> tuple[Catalog, WarehousePlan]:
    with suppress(OSError, ValueError, EOFError, pickle.UnpicklingError, AttributeError):
        if path.stat().st_uid == os.geteuid():
            catalog, plan = pickle.loads(path.read_bytes())
            if isinstance(catalog, Catalog) and isinstance(plan, WarehousePlan):
                return catalog, plan
    catalog = read_catalog(overlay)
    plan = plan_tables(catalog)
    with suppress(OSError):
        _keep(path, (catalog, plan))
    return catalog, plan


def _version(overlay: Path) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name, content in _sources(overlay):
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()[:24]


def _sources(overlay: Path) -> Iterator[tuple[str, bytes]]:
    catalog = files("models.catalog")
    for folder in (catalog, catalog / "data", files("models.tables")):
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith((".py", ".csv")):
                yield entry.name, entry.read_bytes()
    for path in sorted(overlay.glob("*.csv")) if overlay.is_dir() else []:
        yield f"site {path.name}", path.read_bytes()


def _keep(path: Path, compiled: tuple[Catalog, WarehousePlan]) -> None:
    own_folder(path.parent)
    with replacing(path) as file:
        _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(compiled)
    kept = sorted(path.parent.glob("catalog-*.pickle"), key=lambda one: one.stat().st_mtime)
    for old in kept[:-MOST_KEPT]:
        old.unlink(missing_ok=True)


class _Pickler(pickle.Pickler):
    """Writes records so that reading them back takes a fifth of the time dataclasses take."""

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if not is_dataclass(kind) or not hasattr(kind, "__slots__"):
            return NotImplemented
        return _restore, (kind, *(getattr(obj, field.name) for field in fields(kind)))


def _restore(kind: type, *values: object) -> object:
    """A record of these values: those of the object that was kept, so nothing is checked again."""
    record: object = object.__new__(kind)
    for put, value in zip(_setters(kind), values, strict=True):
        put(record, value)
    return record


@cache
def _setters(kind: type) -> tuple[Callable[[object, object], None], ...]:
    return tuple(getattr(kind, field.name).__set__ for field in fields(kind))
