"""The generated pages of docs/ say what the catalog says now."""

from __future__ import annotations

import pytest

from docs.generate import FOLDER, PAGES
from models.catalog import Catalog
from models.tables.plan import WarehousePlan


@pytest.mark.parametrize("name", PAGES)
def test_page_is_as_generated(catalog: Catalog, name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](catalog), "run `make docs`"


def test_every_table_is_listed_once(catalog: Catalog, plan: WarehousePlan) -> None:
    page = PAGES["tables.md"](catalog)
    lines = [
        line for line in page.splitlines() if line.startswith("| ") and "one row per" not in line
    ]
    assert len(lines) == sum(1 for _ in plan.tables())
