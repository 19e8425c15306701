"""Inputs that failed for others, where a checkout has them beside it; never copied into it."""

from __future__ import annotations

import csv
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from etl.settings import Settings
from etl.warehouse.connection import open_warehouse

FOLDER = Path(__file__).parents[3] / "shared" / "cases"
CHECK = FOLDER / "check.py"
EXPECTED = FOLDER / "expected.csv"
ODD_FOLDERS = FOLDER / "make-odd-folders.sh"
FALSE_HEADERS = FOLDER / "quadratic_2MB.seg.gz"

needs_cases = pytest.mark.skipif(not EXPECTED.exists(), reason="no cases beside the checkout")


@dataclass(frozen=True)
class Case:
    """A file, the options it is loaded with, what must be loaded and, where given, quarantined."""

    name: str
    options: tuple[str, ...]
    loaded: int
    quarantined: int | None

    @property
    def path(self) -> Path:
        return FOLDER / self.name

    def agrees(self, counts: Counter[str]) -> bool:
        is_quarantined = self.quarantined in (None, counts["quarantined"])
        return counts["loaded"] == self.loaded and is_quarantined


def read_cases() -> list[Case]:
    """Every row of the list, none without it."""
    if not EXPECTED.exists():
        return []
    with EXPECTED.open(encoding="utf-8", newline="") as file:
        return [
            Case(
                row["file"],
                tuple(shlex.split(row["options"])),
                int(row["loaded"]),
                int(row["quarantined"]) if row["quarantined"] else None,
            )
            for row in csv.DictReader(file)
        ]


CASES = read_cases()


def counts_by_name(settings: Settings) -> dict[str, Counter[str]]:
    """What became of the items of each file, by the file's name.

    A message that another file had brought before counts as loaded too.
    """
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        rows = connection.execute(
            "select parse_filename(uri), sum(loaded + duplicate), sum(quarantined) "
            "from core.load_part join core.landed_object using (object_id) group by all"
        ).fetchall()
    return {
        name: Counter(loaded=int(loaded), quarantined=int(quarantined))
        for name, loaded, quarantined in rows
    }
