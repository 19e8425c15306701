"""About how long the slowest files of tests take: the order in which workers take them."""

from __future__ import annotations

import csv
from pathlib import Path

SECONDS = Path(__file__).with_name("seconds.csv")


def file_seconds() -> dict[Path, int]:
    """Seconds by file; nothing but the order depends on them."""
    with SECONDS.open(encoding="utf-8", newline="") as file:
        return {SECONDS.parent / row["file"]: int(row["seconds"]) for row in csv.DictReader(file)}
