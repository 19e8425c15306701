"""The reliability report in a real browser: it works, it fits, it can be read by everyone.

Screenshots go to the folder that PICTURES names, for people to look at.
"""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reliability"))

from axe_playwright_python.sync_playwright import Axe
from contrast import contrast, rgb
from playwright.sync_api import Browser, Page
from reliability_demo import FALLS, WESTBROOK, connect_demo
from reliability_world import Feed, connect_world, list_fields, send

from etl.report.build import build_report
from etl.report.records import ReportOptions
from tests.ui.chromium import IN_A_BROWSER

INKS = ("ink", "soft", "quiet", "accent", "below", "above", "met", "perhaps", "not-listed",
        "not-enough", "not-documented")  # fmt: skip
pytestmark = IN_A_BROWSER
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(tmp_path_factory.mktemp("report") / "report.html")


def _build(path: Path, *, suppress_below: int = 0) -> Path:
    at = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
    options = ReportOptions(generated_at=at, suppress_below=suppress_below)
    build_report(connect_demo(), path, options=options)
    return path


@pytest.fixture
def open_page(browser: Browser, report: Path) -> Iterator[Open]:
    """Opens the report; afterwards no error was logged and nothing was asked of a network."""
    troubles: list[str] = []

    def opened(path: Path = report, *, width: int = 1440, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text))
        page.on("request", lambda request: troubles.append(request.url)
                if not request.url.startswith("file:") else None)  # fmt: skip
        page.goto(path.as_uri())
        page.wait_for_selector("#table tbody tr")
        return page

    yield opened
    assert troubles == []


def shoot(page: Page, name: str) -> None:
    folder = os.environ.get("PICTURES")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def search(page: Page) -> None:
    """Search the field that falls: a few fields remain."""
    page.fill("#search", FALLS)
    page.locator("#map-note", has_text=re.compile(r"^\d fields of")).wait_for()


def test_table_shows_sqls_numbers_worst_first(open_page: Open) -> None:
    page = open_page()
    search(page)

    cells = page.locator("#table tbody tr").first.locator("th, td").all_inner_texts()

    populated, messages, event = connect_demo().execute(
        "select messages_populated, messages, event_type from quality.field_verdict where path = $1"
        " and source_id = $2 and verdict = 'below' order by margin limit 1", [FALLS, WESTBROOK],
    ).fetchall()[0]  # fmt: skip
    assert cells[0].split("\n") == [FALLS, f"PatientAdmin {event}"]
    assert cells[2].endswith("Below")
    assert cells[4].startswith(f"{100 * populated / messages:.1f}%")
    assert cells[5:7] == [f"{populated:,}", f"{messages:,}"]
    shoot(page, "wide-searched")


def test_columns_sort_and_say_so(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Messages", exact=True).click()

    head = page.locator("#table thead th").nth(6)
    shown = page.locator("#table tbody tr td:nth-child(7)").all_inner_texts()
    assert head.get_attribute("aria-sort") == "descending"
    assert shown == sorted(shown, key=lambda text: -int(text.replace(",", "")))


def test_pickers_narrow_map_and_table_alike(open_page: Open) -> None:
    page = open_page()
    page.select_option("#pick-model", label="Order")
    page.select_option("#pick-sender", label="Northfield Clinic")

    assert "of 1 data model" in page.inner_text("#map-note")
    assert page.locator("#map-table thead th").all_inner_texts() == ["Field", "Northfield Clinic"]
    assert {text.split(" ")[0] for text in page.locator("#table .where").all_inner_texts()} == {
        "Order"
    }


def test_verdicts_can_be_left_out(open_page: Open) -> None:
    page = open_page()
    for name in ("Met", "Not rated"):
        page.locator("#pick-verdicts label", has_text=name).click()

    texts = page.locator("#table tbody tr td:nth-child(3)").all_inner_texts()
    assert texts
    assert all(text.endswith("Below") for text in texts)


def test_days_are_drawn_with_their_change(open_page: Open) -> None:
    page = open_page()
    page.locator("label", has_text="Fields × days").click()
    search(page)

    strip = page.locator("#map-table .strip", has=page.locator(".changed")).first
    assert strip.locator(".ground").count() == 30
    assert "fell on Mar 21" in (strip.get_attribute("aria-label") or "")
    shoot(page, "wide-days")


def test_sheet_opens_by_keyboard_and_gives_the_focus_back(open_page: Open) -> None:
    page = open_page()
    search(page)
    page.locator("#table .link").first.focus()
    page.keyboard.press("Enter")

    assert page.locator("#sheet").is_visible()
    terms = page.locator("#sheet dt").all_inner_texts()
    assert {"Filled in", "Interval", "Rating in force", "Rating’s source"} <= set(terms)
    page.locator("#sheet summary").first.click()
    shoot(page, "wide-sheet")
    page.keyboard.press("Escape")
    assert not page.locator("#sheet").is_visible()
    assert page.evaluate("document.activeElement.className") == "link"


def test_more_rows_are_drawn_only_when_wanted(open_page: Open) -> None:
    page = open_page()
    page.uncheck("#pick-filled")

    assert page.locator("#table tbody tr").count() <= 200
    page.locator("#map-more").click()
    assert page.locator("#map-table tbody tr").count() == 120


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_page_breaks_no_rule_of_accessibility(open_page: Open, width: int, scheme: str) -> None:
    page = open_page(width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    for shows_days in (False, True):
        if shows_days:
            page.locator("label", has_text="Fields × days").click()
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_choices_outlast_a_reload_and_can_be_linked(open_page: Open) -> None:
    page = open_page()
    page.select_option("#pick-model", label="Order")
    page.select_option("#pick-sender", label="Northfield Clinic")
    page.locator("#pick-verdicts label", has_text="Not rated").click()
    page.locator("label", has_text="Fields × days").click()
    page.get_by_role("button", name="Messages", exact=True).click()
    page.fill("#search", "Order.")
    page.wait_for_url(re.compile("search=Order"))
    note, address = page.inner_text("#table-note"), page.url

    page.reload()
    page.wait_for_selector("#table tbody tr")

    def chosen() -> list[str]:
        names = ("#pick-model", "#pick-sender")
        picked = [page.locator(f"{name} option:checked").inner_text() for name in names]
        return [*picked, page.input_value("#search"), page.inner_text("#table-note")]

    assert chosen() == ["Order", "Northfield Clinic", "Order.", note]
    assert page.locator("#map-table .strip").count() > 0
    assert page.locator("#table thead th").nth(6).get_attribute("aria-sort") == "descending"
    page.locator(".bar a", has_text="Findings").click()
    assert page.url.partition("#")[2].startswith("findings?")
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("#table tbody tr")
    assert chosen()[3] == note


def test_what_is_chosen_can_be_saved_as_csv(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    search(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as CSV").click()
    waiting.value.save_as(tmp_path / "fields.csv")

    with (tmp_path / "fields.csv").open(encoding="utf-8-sig", newline="") as file:
        saved = {
            (row["source_id"], row["event_type"], int(row["messages_populated"]))
            for row in csv.DictReader(file)
        }
    meant = connect_demo().execute(
        "select source_id, event_type, messages_populated from quality.field_verdict"
        " where path = $1", [FALLS],
    ).fetchall()  # fmt: skip
    assert saved == set(meant)


@pytest.mark.parametrize("days", [1, 2, 3, 5, 31, 92])
def test_axis_and_bars_match_at_every_length_of_period(
    open_page: Open, tmp_path: Path, days: int
) -> None:
    path = tmp_path / "period.html"
    options = ReportOptions(generated_at=datetime(2026, 8, 1, tzinfo=UTC))
    build_report(short_world(days), path, options=options)
    page = open_page(path)
    page.locator("label", has_text="Fields × days").click()

    bars = page.locator("#map-table .strip").first.locator(".ground")
    assert bars.count() == days
    middle = {}
    for at in range(days):
        box = bars.nth(at).bounding_box()
        assert box is not None
        middle[at] = box["x"] + box["width"] / 2
    labels = page.locator("#map-table .axis > span")
    for number in range(labels.count()):
        box = labels.nth(number).bounding_box()
        assert box is not None
        day = datetime.strptime(f"2026 {labels.nth(number).inner_text()}", "%Y %b %d")
        at = (day - datetime(2026, 3, 1)).days
        assert abs(box["x"] + box["width"] / 2 - middle[at]) < 2
    boxes = [labels.nth(number).bounding_box() for number in range(labels.count())]
    ends = [(box["x"], box["x"] + box["width"]) for box in boxes if box]
    assert all(left[1] <= right[0] for left, right in pairwise(ends)), "no label hides another"


def short_world(days: int) -> duckdb.DuckDBPyConnection:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    send(connection, [Feed("north", "Arrival", 40, {"Patient.Name": 0.5})], days=days)
    return connection


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_page_never_scrolls_sideways(open_page: Open, width: int) -> None:
    page = open_page(width=width)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    shoot(page, f"page-{width}")


def test_tables_fit_a_phone_without_breaking_words(open_page: Open) -> None:
    page = open_page(width=390)

    overhang = "all => all.map(one => one.scrollWidth - one.clientWidth)"
    assert set(page.locator(".scroll:has(.cards):visible").evaluate_all(overhang)) == {0}
    names = page.locator(".worst-name code").evaluate_all("all => all.map(one => one.innerHTML)")
    assert names
    assert all("<wbr>" in name for name in names)


def test_dark_is_wished_by_the_system_or_chosen(open_page: Open) -> None:
    page = open_page(scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"

    dark = page.evaluate(ground)
    shoot(page, "dark")
    page.select_option("#theme", "light")
    light = page.evaluate(ground)

    assert sum(rgb(dark)) < 120
    assert sum(rgb(light)) > 600


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_ink_can_be_read_on_its_ground(open_page: Open, scheme: str) -> None:
    page = open_page(scheme=scheme)
    pairs = [(ink, ground) for ink in INKS for ground in ("paper", "panel")]
    pairs += [("accent", "accent-ground"), ("soft", "sunk"), ("quiet", "sunk")]
    pairs += [("heat-ink-low", f"heat-{step}") for step in range(7)]
    pairs += [("heat-ink-high", f"heat-{step}") for step in range(7, 11)]

    weak = {
        pair: round(ratio, 2)
        for pair in pairs
        if (ratio := contrast(*(_colour(page, name) for name in pair))) < 4.5
    }
    assert weak == {}


def test_print_is_light_and_holds_the_tables(open_page: Open) -> None:
    page = open_page(scheme="dark")
    page.emulate_media(media="print")

    assert sum(rgb(page.evaluate("getComputedStyle(document.body).color"))) < 200
    assert not page.locator(".pickers").is_visible()
    assert page.locator("#table tbody tr").first.is_visible()
    shoot(page, "print")


def test_small_counts_are_shown_as_less_than(open_page: Open, tmp_path: Path) -> None:
    page = open_page(_build(tmp_path / "small.html", suppress_below=50))
    page.get_by_role("button", name="Filled", exact=True).click()
    page.get_by_role("button", name="Filled", exact=True).click()

    assert "<50" in page.locator("#table tbody tr td:nth-child(6)").all_inner_texts()
    assert "Small counts are hidden." in page.inner_text("body")


def _colour(page: Page, name: str) -> list[float]:
    return rgb(page.evaluate(
        """(name) => {
          const probe = document.body.appendChild(document.createElement("i"));
          probe.style.color = `var(--${name})`;
          const colour = getComputedStyle(probe).color;
          probe.remove();
          return colour;
        }""", name,
    ))  # fmt: skip
