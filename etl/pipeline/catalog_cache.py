"""The catalog as it was read last time: its CSV files take a third of a second to read and check.

Kept in the user's cache folder under a hash of every file it is made from, the site's included and
the code that reads them; anything else is another catalog. It holds facts of the catalog only. A file
of another user is never read.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from etl.atomic import replacing
from models.catalog import Catalog, read_catalog

MOST_KEPT = 4


def read_cached_catalog(overlay: Path, cache: Path) -> Catalog:
    """The catalog with the site's lines; raises CatalogFaults as `read_catalog` does."""
    path = cache / f"catalog-{_version(overlay)}.pickle"
    with suppress(OSError, ValueError, EOFError, pickle.UnpicklingError, AttributeError):
        if path.stat().st_uid == os.geteuid():
            kept = pickle.loads(path.read_bytes())
            if isinstance(kept, Catalog):
                return kept
    catalog = read_catalog(overlay)
    with suppress(OSError):
        _keep(path, catalog)
    return catalog


def _version(overlay: Path) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name, content in _sources(overlay):
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()[:24]


def _sources(overlay: Path) -> Iterator[tuple[str, bytes]]:
    package = files("models.catalog")
    for folder in (package, package / "data"):
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith((".py", ".csv")):
                yield entry.name, entry.read_bytes()
    for path in sorted(overlay.glob("*.csv")) if overlay.is_dir() else []:
        yield f"site {path.name}", path.read_bytes()


def _keep(path: Path, catalog: Catalog) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with replacing(path) as file:
        file.write(pickle.dumps(catalog, pickle.HIGHEST_PROTOCOL))
    kept = sorted(path.parent.glob("catalog-*.pickle"), key=lambda one: one.stat().st_mtime)
    for old in kept[:-MOST_KEPT]:
        old.unlink(missing_ok=True)
