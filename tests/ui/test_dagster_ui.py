"""Dagster as a user has it: `dg dev` on loopback, the daemon's sensor, a real browser.

Pictures go to the folder PICTURES names, to be looked at; without it they are made and dropped.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from etl.doctor.dagster_home import bring_up_to_date
from etl.synth import Dials, write_synthetic
from tests.packaged import packaged_catalog

pytestmark = pytest.mark.ui

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_S = 240
RUNS = "{ runsOrError { ... on Runs { results { runId jobName status tags { key value } } } } }"


@dataclass
class Dagster:
    """A running Dagster and its home."""

    url: str
    home: Path

    def runs(self) -> list[dict[str, Any]]:
        answer = httpx.post(f"{self.url}/graphql", json={"query": RUNS}, timeout=60)
        found: list[dict[str, Any]] = answer.json()["data"]["runsOrError"]["results"]
        return found

    def put(self, seed: int, messages: int = 300) -> None:
        """Synthetic messages into HOME/incoming, as the webhook or a pull would leave them."""
        folder = self.home / "incoming" / f"feed-{seed}"
        made = self.home / "made"
        dials = Dials(
            messages,
            seed=seed,
            shapes=4,
            data_models=("PatientAdmin", "Order", "Results", "Scheduling"),
        )
        write_synthetic(made, catalog=packaged_catalog(), dials=dials)
        folder.parent.mkdir(parents=True, exist_ok=True)
        made.rename(folder)

    def wait_for_runs(self, count: int, job: str = "load") -> list[dict[str, Any]]:
        """So many finished runs of a job."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            runs = [run for run in self.runs() if run["jobName"] == job]
            done = [run for run in runs if run["status"] in ("SUCCESS", "FAILURE")]
            if len(done) >= count:
                return done
            time.sleep(2)
        raise AssertionError(f"not {count} runs in {PATIENCE_S} s: {self.runs()}")


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dagster]:
    home = tmp_path_factory.mktemp("home")
    storage = home / "dagster"
    bring_up_to_date(storage)
    port = free_port()
    environment = {
        **os.environ,
        "REDOX_WAREHOUSE_HOME": str(home),
        "REDOX_WAREHOUSE_WATCH__SETTLE_S": "0",
        "REDOX_WAREHOUSE_WATCH__EVERY_S": "5",
        "DAGSTER_HOME": str(storage),
    }
    command = [
        sys.executable, "-m", "dagster_dg_cli.cli", "dev", "-w", str(ROOT / "workspace.yaml"),
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    with (home / "dagster.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=storage, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            server = Dagster(f"http://127.0.0.1:{port}", home)
            wait_until_up(server, process)
            yield server
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(server: Dagster, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, (server.home / "dagster.log").read_text()
        try:
            server.runs()
            return
        except (httpx.HTTPError, KeyError, ValueError):
            time.sleep(1)
    raise AssertionError((server.home / "dagster.log").read_text())


@pytest.fixture
def page() -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(90_000)
        expect.set_options(timeout=90_000)
        yield page
        browser.close()


def take_picture(page: Page, name: str, pause_s: float = 4) -> None:
    """After the drawing has settled."""
    page.wait_for_timeout(pause_s * 1000)
    folder = os.environ.get("PICTURES")
    page.screenshot(path=Path(folder) / f"dagster-{name}.png" if folder else None)


def test_start_prints_no_deprecation(dagster: Dagster) -> None:
    log = (dagster.home / "dagster.log").read_text()
    assert "Supersession" not in log and "Deprecat" not in log
    assert "The dagster.yaml file will not be used" not in log


def test_files_become_runs_numbers_and_plots(dagster: Dagster, page: Page) -> None:
    for seed in (1, 2, 3):
        dagster.put(seed)
        runs = dagster.wait_for_runs(seed)
    assert [run["status"] for run in runs] == ["SUCCESS"] * 3
    tags = {tag["key"]: tag["value"] for tag in runs[0]["tags"]}
    assert tags["dagster/sensor_name"] == "new_files"
    assert tags["redox_warehouse/files"] == "1"

    page.goto(f"{dagster.url}/asset-groups")
    # a data model that was never seen appears once the location is read again
    page.get_by_role("button", name="Reload definitions").click()
    for group in ("arrival", "data_models", "quality", "publishing"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    take_picture(page, "groups")

    page.mouse.click(1000, 800, button="right")
    page.locator("text=Expand all groups >> visible=true").first.click()
    take_picture(page, "graph")
    page.goto(f"{dagster.url}/locations/__repository__@redox-warehouse/asset-groups/publishing")
    expect(page.get_by_text("published_version").first).to_be_visible()
    take_picture(page, "publishing")

    page.goto(f"{dagster.url}/runs/{runs[0]['runId']}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    expect(page.get_by_text("Launched by new_files").first).to_be_visible()
    take_picture(page, "run")

    page.goto(f"{dagster.url}/assets/landed_objects?view=events")
    expect(page.get_by_text("quarantined").first).to_be_visible()
    take_picture(page, "landed-objects")

    page.goto(f"{dagster.url}/assets/redox/patient_admin")
    expect(page.get_by_text("Registration, admission").first).to_be_visible()
    take_picture(page, "patient-admin")
    page.get_by_role("button", name="Plots").click()
    take_picture(page, "patient-admin-plots")

    page.goto(f"{dagster.url}/assets/redox/patient_admin?view=checks")
    expect(page.get_by_text("errors_within_limit").first).to_be_visible()
    take_picture(page, "patient-admin-checks")

    page.goto(f"{dagster.url}/automation")
    expect(page.get_by_text("new_files").first).to_be_visible()
    expect(page.get_by_text("new_loads").first).to_be_visible()
    take_picture(page, "automation")


def test_a_month_of_pulls_is_one_click_away(dagster: Dagster, page: Page) -> None:
    page.goto(f"{dagster.url}/assets/pulled_replies?view=partitions")
    page.get_by_role("button", name="Materialize").first.click()
    expect(page.get_by_text("Launch runs to materialize pulled_replies").first).to_be_visible()
    box = page.get_by_role("dialog").get_by_role("textbox").first
    box.fill("[2026-10-01...2026-10-31]")
    box.press("Enter")
    expect(page.get_by_text("31 partitions").first).to_be_visible()
    take_picture(page, "pull-backfill")
