"""In a lake the sensor, the load and its checks are those of any home."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from etl.lake.homes import open_home
from etl.orchestration import loading
from etl.pipeline.load import load_paths
from etl.settings import read_settings
from tests.lake.lake_world import clock
from tests.lake.parity import differences
from tests.orchestration.dagster_world import DagsterWorld, checks_of, metadata_of


@pytest.fixture
def lake(world: DagsterWorld, monkeypatch: pytest.MonkeyPatch) -> DagsterWorld:
    """A new home for which a cluster is named, which none of this asks."""
    monkeypatch.setenv("REDOX_WAREHOUSE_LAKE__MASTER", "spark://nowhere:7077")
    monkeypatch.setattr(loading, "open_home", partial(open_home, clock=clock))
    world.settings = read_settings()
    return world


def test_what_arrives_is_loaded_as_in_a_local_home(lake: DagsterWorld, tmp_path: Path) -> None:
    path = lake.write("a.ndjson", messages=12)
    result = lake.run_what_sensor_asks()
    assert result is not None
    shown = metadata_of(result)
    assert set(shown) == {"landed_objects", "redox/patient_admin", "findings", "population"}
    assert shown["landed_objects"]["loaded"] == shown["redox/patient_admin"]["messages"] == 12
    assert shown["redox/patient_admin"]["rows"] >= 12
    assert checks_of(result)["landed_objects", "ledger_adds_up"]
    assert not lake.tick().run_requests

    local = tmp_path / "local"
    local.mkdir(mode=0o700)
    shutil.copy2(lake.settings.home / "content_hash.key", local)
    load_paths(read_settings(local), [str(path)], clock=clock)
    assert differences(local, lake.settings.home) == []

    # the next load makes a lost warehouse again; a local home's is a person's decision
    lake.settings.warehouse_path.unlink()
    lake.write("b.ndjson", messages=4, seed=2)
    result = lake.run_what_sensor_asks()
    assert result is not None
    assert metadata_of(result)["redox/patient_admin"]["dagster/row_count"] == 16
