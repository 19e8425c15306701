"""A landing with blocks so small that a few hundred items fill several."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.landing import arrival, index, store
from etl.landing.store import Landing
from tests.landing.kept import NOW


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "BLOCK_BYTES", 1_000)
    monkeypatch.setattr(index, "ROW_GROUP_ITEMS", 64)
    monkeypatch.setattr(store, "BLOCK_BYTES", 700)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing", clock=lambda: NOW)
