"""Fixtures of the Dagster tests: definitions assembled once, a world per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from etl.orchestration.assembly import assemble
from etl.orchestration.habits import Habits
from etl.settings import read_settings
from models.catalog import Catalog
from tests.orchestration.dagster_world import DagsterWorld, keep_runs_on_disk

SEEN = ("Notes", "PatientAdmin", "PatientSearch")


@pytest.fixture(scope="session")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """Of a home that has seen a few data models."""
    return assemble(read_settings(tmp_path_factory.mktemp("any")), Habits(SEEN))


@pytest.fixture(scope="session")
def all_definitions(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """Of a home that has seen every data model."""
    return assemble(
        read_settings(tmp_path_factory.mktemp("all")), Habits(tuple(catalog.data_models))
    )


@pytest.fixture
def dagster_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REDOX_WAREHOUSE_LOAD__WORKERS", "1")
    monkeypatch.setenv("REDOX_WAREHOUSE_WATCH__SETTLE_S", "0")
    monkeypatch.setenv("REDOX_WAREHOUSE_ORCHESTRATION__RETRY_WAIT_S", "0")


@pytest.fixture
def world(
    dagster_environment: None, catalog: Catalog, definitions: dg.Definitions
) -> Iterator[DagsterWorld]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield DagsterWorld(read_settings(), catalog, instance, definitions)


@pytest.fixture
def kept_world(
    dagster_environment: None, catalog: Catalog, definitions: dg.Definitions
) -> Iterator[DagsterWorld]:
    """A world whose runs are on disk, to look into what Dagster stores."""
    settings = read_settings()
    with keep_runs_on_disk(settings) as instance:
        yield DagsterWorld(settings, catalog, instance, definitions)
