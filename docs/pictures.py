"""Takes docs/report.png, the picture of the README: `make demo`, then `make pictures`.

It is the first screen of the home's report in Chromium. docs/graph.png is taken by hand: `make
dagster`, Lineage, the groups arrival, data_models, quality and publishing.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from etl.queries.reliability_checks import REPORT_FILE
from etl.settings import read_settings

PICTURE = Path(__file__).with_name("report.png")
SIZE: ViewportSize = {"width": 1280, "height": 860}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]


def take_picture(report: Path, picture: Path) -> None:
    """Write the first screen of a report, in light colors."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(report.absolute().as_uri(), wait_until="load")
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    take_picture(read_settings().reports_path / REPORT_FILE, PICTURE)
