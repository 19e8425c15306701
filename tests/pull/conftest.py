"""A stand-in of Redox per test, key pairs once per session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etl.pipeline import pull as pipeline
from tests.packaged import packaged_catalog
from tests.pull.builders import make_home
from tests.standin.keys import make_private_key
from tests.standin.redox import StandIn
from tests.standin.serve import catalog_replies, serve

_CATALOG = packaged_catalog()


@pytest.fixture(scope="session")
def private_keys() -> dict[str, Any]:
    return {algorithm: make_private_key(algorithm) for algorithm in ("RS384", "ES384")}


@pytest.fixture(scope="session")
def replies() -> dict[tuple[str, str], str]:
    return catalog_replies()


@pytest.fixture
def standin(replies: dict[tuple[str, str], str]) -> Iterator[StandIn]:
    with serve(StandIn(replies)) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, standin: StandIn) -> Any:
    return make_home(tmp_path, standin)


@pytest.fixture(autouse=True)
def _read_catalog_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the catalog takes longer than most of these tests."""
    monkeypatch.setattr(pipeline, "site_catalog", lambda settings: _CATALOG)
