"""Dagster loads with Spark through Pipes, where the settings say so and only there."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from etl.orchestration.assembly import assemble
from etl.orchestration.lake import LAKE
from etl.sections import LakeSettings
from etl.settings import read_settings
from tests.delta.spark import require_spark

MESSAGE = (
    '{"Meta": {"DataModel": "PatientAdmin", "EventType": "Arrival"}, "Visit": {"VisitNumber": "1"}}'
)


def definitions(home: Path, *sources: str) -> dg.Definitions:
    lake = LakeSettings(master="local[1]", sources=sources)
    return assemble(read_settings(home).model_copy(update={"lake": lake}))


def test_the_asset_is_there_where_sources_are_named(tmp_path: Path) -> None:
    keys = [
        {
            key
            for one in definitions(tmp_path, *names).assets or ()
            for key in getattr(one, "keys", ())
        }
        for names in ((), ("archive",))
    ]
    assert LAKE not in keys[0]
    assert LAKE in keys[1]


@pytest.mark.spark
def test_a_run_reports_what_was_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_spark()
    home, source = tmp_path / "home", tmp_path / "messages.ndjson"
    source.write_text(f"{MESSAGE}\n{MESSAGE}\nnot a message\n", "utf-8")
    home.mkdir(mode=0o700)
    (home / "redox-warehouse.toml").write_text(
        f'[lake]\nmaster = "local[1]"\nsources = ["{source}"]\n', "utf-8"
    )
    monkeypatch.setenv("REDOX_WAREHOUSE_HOME", str(home))
    repository = assemble(read_settings(home)).get_repository_def()
    with dg.DagsterInstance.ephemeral() as instance:
        done = repository.get_implicit_global_asset_job_def().execute_in_process(
            instance=instance, asset_selection=[LAKE]
        )
        event = instance.get_latest_materialization_event(LAKE)
    assert done.success
    assert event is not None and event.asset_materialization is not None
    metadata = {name: one.value for name, one in event.asset_materialization.metadata.items()}
    assert (metadata["version"], metadata["received"], metadata["loaded"]) == (1, 3, 1)
    assert (metadata["duplicate"], metadata["quarantined"]) == (1, 1)
