"""The page and the deploy files tell what the receiver does."""

import os
import re
from pathlib import Path

import httpx
import pytest
from running_receiver import TOKEN, Starter

from etl.sections import ReceiveSettings
from etl.web.metrics import PREFIX, ReceiverMetrics
from etl.web.refusals import STATUS, Reason

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "receiver.md").read_text()
SIZES = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def documented(default: str) -> object:
    number, _, unit = default.strip("`").partition(" ")
    return int(number) * SIZES[unit] if unit else number


def test_every_setting_stands_on_the_page_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| .*\|$", PAGE, re.MULTILINE)
    told = {name: documented(default) for name, default in rows}
    for name, setting in ReceiveSettings.model_fields.items():
        default = setting.get_default()
        if name in ("tokens", "token_file"):
            assert name in told
        else:
            assert str(told[name]).lower() == str(default).lower(), name


def test_every_refusal_stands_on_the_page_with_its_status() -> None:
    for reason in Reason:
        status = f"{STATUS[reason]} " if reason in STATUS else ""
        assert f"{status}`{reason.value}`" in PAGE, reason


def test_every_metric_stands_on_the_page() -> None:
    for family in ReceiverMetrics().registry.collect():
        name = family.name.removeprefix(f"{PREFIX}_")
        if name != family.name:
            assert f"`{name}" in PAGE, name


def test_metrics_of_the_page_exist(start_receiver: Starter) -> None:
    metrics = start_receiver().get("/metrics").text
    section = PAGE.partition("| metric | meaning |")[2].partition("\n\n")[0]
    names = [name for row in section.splitlines() for name in re.findall(r"`(\w+)[`{]", row[:80])]
    assert len(names) > 10
    assert [name for name in names if f"{PREFIX}_{name}" not in metrics] == []


@pytest.mark.slow
def test_documented_proxy_passes_everything_on_and_logs_no_token(
    start_receiver: Starter, nginx: Path
) -> None:
    receiver = start_receiver(port=8642)
    web = httpx.Client(verify=False, base_url="https://127.0.0.1:8443")
    large = os.urandom(40_000_000)
    query = {"challenge": "c", "verification-token": TOKEN}
    assert web.get("/redox", params=query).text == "c"
    for body in (b"", b"{}", large):
        assert web.post("/redox", content=body, headers=receiver.headers).status_code == 200
    assert web.post("/redox", content=large * 2, headers=receiver.headers).status_code == 413
    assert web.post("/redox", content=large).status_code == 401
    assert web.get("/metrics").status_code == 404
    receiver.stop()
    assert receiver.on_disk("*.seg") == {b"": 1, b"{}": 1, large: 1}
    assert web.get("/redox", params=query).status_code == 502
    logs = [path.read_text() for path in nginx.glob("*.log")]
    assert len(logs) >= 2
    assert not any(TOKEN in log for log in logs)
