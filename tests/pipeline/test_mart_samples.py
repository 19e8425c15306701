"""Every mart over the documentation's own samples, as if they were no test messages.

Needs the samples beside the checkout, in ../shared/redox, and is skipped without them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl.pipeline.load import load_paths
from etl.report.views import read_views
from etl.settings import read_settings
from tests.pipeline.mart_build import build_marts, opened
from tests.pipeline.sample_payloads import PATHS, needs_samples

pytestmark = [needs_samples, pytest.mark.slow]
WITHOUT_ROWS = {"mart.encounter_location", "tuva.encounter"}
"""The samples tell of one visit, which one of them cancels."""


def real_messages(folder: Path) -> Path:
    """A file of all samples, none of which says that it is a test."""
    path = folder / "samples.ndjson"
    with path.open("w", encoding="utf-8") as out:
        for sample in PATHS:
            payload = json.loads(sample.read_text("utf-8"))
            payload["Meta"]["Test"] = False
            out.write(json.dumps(payload) + "\n")
    return path


def test_every_mart_holds_rows_of_the_samples(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "home")
    load_paths(settings, [str(real_messages(tmp_path))])
    stored = build_marts(settings, tmp_path / "marts")
    names = sorted(name for name in stored.files if name.startswith("mart."))
    tables = read_views("tuva")
    assert (len(names), len(tables)) == (20, 13)
    with opened(tmp_path / "marts", stored) as connection:
        rows = {
            name: connection.execute(f"select count(*) from {name}").fetchall()[0][0]
            for name in names
        }
        rows |= {
            view.name: connection.execute(f"select count(*) from ({view.select})").fetchall()[0][0]
            for view in tables
        }
        blocked = connection.execute(
            "select mart, test from quality.mart_check where not is_passed and severity = 'error'"
        ).fetchall()
    assert {name for name, count in rows.items() if not count} <= WITHOUT_ROWS
    assert blocked == []
