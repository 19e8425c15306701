"""Real payloads, varied as senders vary them: all are loaded, none is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from etl.pipeline.load import load_paths
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse
from etl.warehouse.rebuild import rebuild_messages
from models.catalog import Catalog
from models.tables.plan import plan_tables
from tests.pipeline.sample_payloads import PATHS, needs_samples
from tests.pipeline.sample_variants import variants
from tests.reference.compare import differences
from tests.reference.json_text import parse

pytestmark = needs_samples


def varied_lines(catalog: Catalog) -> list[bytes]:
    """All variants of all samples, each with a log id of its own, so that none is a duplicate."""
    lines: list[bytes] = []
    for path in PATHS:
        payload: dict[str, Any] = json.loads(path.read_bytes())
        model = catalog.data_models[payload["Meta"]["DataModel"]]
        for varied in variants(payload, tuple(event.event_type for event in model.event_types)):
            meta = varied["Meta"] | {"Logs": [{"ID": f"variant-{len(lines)}"}]}
            lines.append(json.dumps(varied | {"Meta": meta}).encode())
    return lines


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_every_variant_of_every_sample_comes_back_equal(
    tmp_path: Path, settings: Settings, catalog: Catalog, step: int
) -> None:
    lines = varied_lines(catalog)[::step]
    path = tmp_path / "varied.ndjson"
    path.write_bytes(b"\n".join(lines))

    summary = load_paths(settings, [str(path)])

    assert (summary.received, summary.loaded) == (len(lines), len(lines))
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        items = dict(connection.execute("select message_id, item from core.message").fetchall())
        rebuilt = rebuild_messages(connection, plan_tables(catalog), list(items))
    assert [
        f"item {items[message_id]}: {difference}"
        for message_id, text in rebuilt.items()
        for difference in differences(parse(lines[items[message_id]]), parse(text.encode()))
    ] == []
