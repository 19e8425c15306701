"""How much disk a home takes, by part. Counts files for a bounded time and opens none."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from etl.settings import Settings

LONGEST_S = 2.0


@dataclass(frozen=True, slots=True)
class DiskUse:
    """The bytes of each part of a home; `is_whole` is False where time ran out while counting."""

    parts: dict[str, int]
    is_whole: bool

    @property
    def total(self) -> int:
        """All parts together."""
        return sum(self.parts.values())


def measure_disk_use(settings: Settings, *, longest_s: float = LONGEST_S) -> DiskUse:
    """Return the size of the warehouse, the landed bytes, the published versions and the rest.

    A file that several published versions share is counted once.
    """
    until = time.monotonic() + longest_s
    names = {
        settings.warehouse_path.name: "warehouse",
        f"{settings.warehouse_path.name}.wal": "warehouse",
        settings.landing_path.name: "landing",
        settings.published_path.name: "published",
    }
    parts = dict.fromkeys(("warehouse", "landing", "published", "other"), 0)
    seen: set[tuple[int, int]] = set()
    for number, (name, size_bytes) in enumerate(_files(settings.home, seen)):
        parts[names.get(name, "other")] += size_bytes
        if number % 1000 == 999 and time.monotonic() > until:
            return DiskUse(parts, is_whole=False)
    return DiskUse(parts, is_whole=True)


def _files(home: Path, seen: set[tuple[int, int]]) -> Iterator[tuple[str, int]]:
    """The entry of the home that a file belongs to, and its size; links are not followed."""
    for folder, folders, files in os.walk(home):
        folders.sort()
        inner = Path(folder).relative_to(home).parts
        for file in files:
            try:
                state = (Path(folder) / file).lstat()
            except OSError:  # removed by a running load
                continue
            if state.st_nlink > 1 and (state.st_dev, state.st_ino) in seen:
                continue
            if state.st_nlink > 1:
                seen.add((state.st_dev, state.st_ino))
            yield (inner[0] if inner else file), state.st_size
