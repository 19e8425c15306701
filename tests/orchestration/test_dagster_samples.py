"""Real payloads through the sensor: Dagster, `status` and SQL tell the same numbers."""

from __future__ import annotations

import duckdb

from etl.pipeline.status import read_status
from tests.orchestration.dagster_world import DagsterWorld, checks_of, metadata_of
from tests.pipeline.sample_payloads import PATHS, needs_samples

pytestmark = needs_samples


def test_samples_are_counted_alike_everywhere(world: DagsterWorld) -> None:
    for path in PATHS:
        world.put(path.name, path.read_bytes())

    result = world.run_what_sensor_asks()

    assert result is not None
    failed = {name for (_, name), passed in checks_of(result).items() if not passed}
    assert failed <= {"warnings_within_limit"}, "some samples do hold values outside their sets"
    told = metadata_of(result)
    landed = told["landed_objects"]
    models = [facts["messages"] for asset, facts in told.items() if asset.startswith("redox/")]
    status = read_status(world.settings.status_path)
    with duckdb.connect(str(world.settings.warehouse_path), read_only=True) as connection:
        stored = connection.execute("select count(*) from core.message").fetchall()[0][0]
    counts = {name: landed[name] for name in ("received", "loaded", "duplicate", "quarantined")}
    assert status is not None and status["messages"] == counts | {"purged": 0}
    assert counts == {"received": len(PATHS), "loaded": stored, "duplicate": 0, "quarantined": 0}
    assert stored == sum(models) == len(PATHS)
