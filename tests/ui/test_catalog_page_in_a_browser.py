"""The catalog page of a published version in a real browser: it finds, it fits, everyone can read it.

Screenshots go to the folder that PICTURES names, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.pipeline.published_world import current, published_home
from tests.ui.chromium import IN_A_BROWSER

pytestmark = IN_A_BROWSER
Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens the page; afterwards no error was logged and nothing was asked of a network."""
    troubles: list[str] = []

    def opened(*, width: int = 1440, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text))
        page.on("request", lambda request: troubles.append(request.url)
                if not request.url.startswith("file:") else None)  # fmt: skip
        page.goto((current(published_home()) / "catalog.html").as_uri())
        page.wait_for_selector("#groups details")
        return page

    yield opened
    assert troubles == []


def shoot(page: Page, name: str) -> None:
    folder = os.environ.get("PICTURES")
    if folder:
        page.screenshot(path=str(Path(folder) / f"catalog-{name}.png"))


def test_search_finds_marts_first_and_leads_to_the_column(open_page: Open) -> None:
    page = open_page()
    page.fill("#search", "last name")
    first = page.locator("#found a").first
    assert first.locator("code").inner_text().startswith("mart.")
    shoot(page, "wide-searched")
    page.fill("#search", "inventory price")
    page.locator("#found a").first.click()
    page.wait_for_selector("details.table[open] .query")
    assert "message_id" in page.locator("details.table[open] pre").first.inner_text()
    shoot(page, "wide-table")


def test_a_query_of_every_mart_and_table_runs_as_it_is_shown(open_page: Open) -> None:
    import duckdb

    page = open_page()
    for details in page.locator("#groups > details").all():
        details.locator("summary").first.click()
    names = page.locator("details.table").evaluate_all("all => all.map(one => one.id)")
    page.evaluate("for (const one of document.querySelectorAll('details.table')) one.open = true")
    page.wait_for_timeout(500)
    queries = page.locator("details.table .query code").all_inner_texts()
    assert len(queries) == len(names) > 60
    database = str(current(published_home()) / "warehouse.duckdb")
    with duckdb.connect(database, read_only=True) as connection:
        for name, query in zip(names, queries, strict=True):
            assert f"from {name} as t" in query
            connection.execute(query).fetchall()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_everyone_can_read_it_and_nothing_sticks_out(
    open_page: Open, scheme: str, width: int
) -> None:
    page = open_page(width=width, scheme=scheme)
    page.evaluate("location.hash = '#mart.patient'")
    page.evaluate("location.hash = '#inventory.items'")
    page.fill("#search", "price")
    page.wait_for_selector("#found li")
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shoot(page, f"{scheme}-{width}")


def test_print_opens_the_marts_and_leaves_the_search_out(open_page: Open) -> None:
    page = open_page()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#marts details:not([open])").count() == 0
    assert not page.locator("#search").is_visible()
    shoot(page, "printed")
