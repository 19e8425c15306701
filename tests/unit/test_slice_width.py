"""How many messages are a slice is said once: files, counts and reloads must agree on it."""

from __future__ import annotations

import re
from pathlib import Path

from models.tables.plan import SLICE_BITS

ROOT = Path(__file__).parents[2]
_SHIFT = re.compile(rf"(?:>>|<<) ?{SLICE_BITS}\b|\bslice_bits *=", re.IGNORECASE)


def test_the_width_of_a_slice_is_said_in_the_plan_only() -> None:
    files = [
        file
        for folder in ("etl", "models", "sql")
        for kind in ("*.py", "*.sql", "*.csv")
        for file in (ROOT / folder).rglob(kind)
    ]
    saying = {
        file.relative_to(ROOT).as_posix() for file in files if _SHIFT.search(file.read_text())
    }
    assert saying == {"models/tables/plan.py"}
