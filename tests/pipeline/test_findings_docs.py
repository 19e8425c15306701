"""docs/findings.md is true: its walk-through is run as written, what it names exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from etl.cli.drift import drift
from etl.cli.findings import findings
from etl.queries.inference import MOST_KEYS
from etl.report.views import read_views
from models.catalog import Catalog
from models.tables.fixed import FIXED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "findings.md").read_text("utf-8")


@pytest.mark.slow  # of the kind of test_pages_run.py
def test_walk_through_works_as_written(tmp_path: Path) -> None:
    scripts = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    (script,) = (script for script in scripts if "arrivals.ndjson" in script)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "REDOX_WAREHOUSE_HOME": str(tmp_path / "home"),
    }
    done = subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    before, _, after = done.stdout.partition("fields are listed in HOME/catalog/fields.csv now.")
    assert "\tVisit.Portal\tunlisted_key\tobject\t2\t" in before
    assert "Visit.Portal.Since  string date" in before
    assert "Everything that arrived is listed in the catalog." in done.stderr
    assert re.search(r"true +│ 2025-11-30", after)


def test_views_and_tables_named_exist() -> None:
    named = set(re.findall(r"quality\.[a-z_]+", PAGE))
    views = {view.name for view in read_views()}
    assert named <= views | {str(table) for table in FIXED.tables.values()}
    own = {"drift", "finding_by_rule", "finding_overview", "value_outside_set", "supported_value",
           "ledger_total", "ledger_load", "quarantine_by_source"}  # fmt: skip
    assert {f"quality.{name}" for name in own} <= named


def test_rules_named_exist(catalog: Catalog) -> None:
    named = set(re.findall(r"`((?:time|value|type|unlisted|object|array|event)_[a-z_]+)`", PAGE))
    assert named - {"value_sets", "event_types", "event_type"} <= set(catalog.rules) | {"value_set"}
    assert f"more than {MOST_KEYS} unlisted keys" in PAGE


@pytest.mark.parametrize("command", [findings, drift], ids=lambda command: str(command.name))
def test_options_used_exist(command: object) -> None:
    known = {flag for option in command.params for flag in option.opts}  # type: ignore[attr-defined]
    lines = [line for line in PAGE.splitlines() if f"redox-warehouse {command.name}" in line]  # type: ignore[attr-defined]
    used = {flag for line in lines for flag in re.findall(r"--[a-z]+", line.split("|")[0])}
    assert lines
    assert used <= known
