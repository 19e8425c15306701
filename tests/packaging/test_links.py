"""Links between the project's pages lead somewhere, and every page can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.documents import ROOT, anchors, links, page_name, pages


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    faults = []
    for target in links(page):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            faults.append(target)
    assert faults == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached = {ROOT / "README.md"}
    waiting = list(reached)
    while waiting:
        page = waiting.pop()
        for target in links(page):
            file = (page.parent / target.partition("#")[0]).resolve()
            if file.suffix == ".md" and file.is_file() and file not in reached:
                reached.add(file)
                waiting.append(file)
    assert [page_name(page) for page in pages() if page not in reached] == []
