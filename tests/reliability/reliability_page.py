"""Builds a report and reads back the data it carries."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from etl.report.build import build_report
from etl.report.records import ReportOptions

NOW = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)


def build(
    connection: duckdb.DuckDBPyConnection, folder: Path, **options: Any
) -> tuple[str, dict[str, Any]]:
    """The page and the data it carries."""
    path = folder / "report.html"
    build_report(connection, path, options=ReportOptions(generated_at=NOW, **options))
    page = path.read_text("utf-8")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    return page, json.loads(data[1])
