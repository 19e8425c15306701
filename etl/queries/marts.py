"""What the published version says of its marts: rows, columns, kept and broken tests. No values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from etl.duckdb_files import connected
from etl.errors import UsageFault
from etl.marts.checks import MART_CHECK
from etl.pipeline.reader_catalog import mart_headers
from etl.publish.folders import VIEWS_FILE, PublishedFolder
from etl.publish.manifest import MANIFEST, read_manifest
from etl.settings import Settings

_CHECKS = f"select mart, test, severity, violations, examined from {MART_CHECK}"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one test of a mart went; of a ledger `violations` is the difference of its sums."""

    mart: str
    test: str
    severity: str
    violations: int
    examined: int


@dataclass(frozen=True, slots=True)
class MartFacts:
    """One mart of a version: `columns` are name, type and meaning; `folder` holds its file."""

    name: str
    rows: int
    size_bytes: int
    columns: tuple[tuple[str, str, str], ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class PublishedMarts:
    """The marts of the current version, and how their tests went."""

    version: int
    marts: tuple[MartFacts, ...]
    checks: tuple[CheckResult, ...]


def read_published_marts(settings: Settings) -> PublishedMarts:
    """Return the facts of the current version; raises UsageFault without one.

    Each mart comes after those it reads.
    """
    folder = PublishedFolder(settings.published_path.resolve()).current()
    manifest = read_manifest(folder / MANIFEST) if folder else None
    if folder is None or manifest is None:
        raise UsageFault("Nothing is published yet; run `redox-warehouse publish` first.")
    headers = mart_headers()
    marts = tuple(
        MartFacts(
            name,
            manifest.tables[name].rows,
            manifest.tables[name].bytes,
            tuple(
                (c, kind, header.columns.get(c, "")) for c, kind in manifest.tables[name].columns
            ),
            folder.joinpath(*name.split(".")),
        )
        for name, header in headers.items()
        if name in manifest.tables
    )
    with connected(folder / VIEWS_FILE, spill=settings.temporary_path) as connection:
        checks = tuple(CheckResult(*row) for row in connection.execute(_CHECKS).fetchall())
    return PublishedMarts(manifest.version, marts, checks)
