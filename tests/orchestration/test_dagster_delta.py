"""Delta tables as an asset: there where a target is set, after the published version."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from etl.orchestration.assembly import assemble
from etl.orchestration.delta import DELTA
from etl.orchestration.graph import PUBLISHED
from etl.orchestration.habits import Habits
from etl.settings import read_settings
from tests.delta.small_home import SmallHome


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallHome:
    """A published home whose settings name a target."""
    home = SmallHome(tmp_path)
    monkeypatch.setenv("REDOX_WAREHOUSE_HOME", str(home.settings.home))
    monkeypatch.setenv("REDOX_WAREHOUSE_DELTA__TO", str(home.lake))
    home.load(20)
    home.publish()
    return home


def test_the_asset_registers_and_reports_what_it_did(home: SmallHome) -> None:
    definitions = assemble(read_settings(), Habits(("Order",)))
    graph = definitions.resolve_asset_graph()
    assert graph.get(DELTA).parent_keys == {PUBLISHED}
    for job in ("publish", "load_and_publish"):
        assert DELTA in definitions.resolve_job_def(job).asset_layer.executable_asset_keys

    job = definitions.resolve_job_def("publish")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, asset_selection=[DELTA])
    assert result.success
    (event,) = result.get_asset_materialization_events()
    told = {key: value.value for key, value in event.materialization.metadata.items()}
    assert (told["path"], told["version"], told["is_new"]) == (str(home.lake), 1, True)
    assert home.differing() == []
