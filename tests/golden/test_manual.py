"""Every page of the manual holds: the whole result of each payload is what the page says."""

from __future__ import annotations

import pytest

from models.catalog import Catalog
from tests.golden.loaded import Loaded, comparable, expected_result
from tests.golden.manual import FOLDER, Case, read_cases

CASES = read_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_page_holds(case: Case, cases: list[Case], loaded: Loaded, catalog: Catalog) -> None:
    names = [own.name for own in cases]
    first = sum(len(own.deliveries) for own in cases[: names.index(case.name)])
    for item, delivery in enumerate(case.deliveries, first):
        expected = expected_result(delivery, catalog, landed_at=loaded.landed_at)
        assert comparable(loaded.results[item]) == comparable(expected)
        assert loaded.rebuild_faults.get(item, []) == []


def test_titles_say_different_things() -> None:
    assert len({case.title for case in CASES}) == len(CASES)


def test_contents_list_every_page() -> None:
    contents = (FOLDER / "README.md").read_text("utf-8")
    missing = {case.name for case in CASES if f"- [{case.title}]({case.name}.md)" not in contents}
    assert missing == set()
