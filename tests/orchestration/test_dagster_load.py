"""Files arrive, the sensor sees them, a run loads them, the graph tells it in numbers."""

from __future__ import annotations

import os
import time
from pathlib import Path

import duckdb
import pytest

from etl.pipeline.status import read_status
from etl.warehouse.connection import write_lock
from tests.orchestration.dagster_world import DagsterWorld, checks_of, logged, metadata_of


def test_sensor_starts_a_run_that_loads_new_files(world: DagsterWorld) -> None:
    world.write("a.ndjson", messages=12)

    result = world.run_what_sensor_asks()

    assert result is not None
    told = metadata_of(result)
    assert set(told) == {"landed_objects", "redox/patient_admin", "findings", "population"}
    assert told["landed_objects"]["received"] == 12
    assert logged(world, result)[-1] == (
        "Objects 1; received 12 = loaded 12 + duplicate 0 + quarantined 0 (PatientAdmin 12)"
    )
    assert told["landed_objects"]["loaded"] == 12
    assert told["redox/patient_admin"]["dagster/row_count"] == 12
    assert told["redox/patient_admin"]["messages"] == 12
    assert told["redox/patient_admin"]["rows"] >= 12


def test_counts_agree_in_dagster_status_and_sql(world: DagsterWorld) -> None:
    world.write("a.ndjson", messages=12)
    result = world.run_what_sensor_asks()
    assert result is not None

    told = metadata_of(result)["landed_objects"]
    status = read_status(world.settings.status_path)
    with duckdb.connect(str(world.settings.warehouse_path), read_only=True) as connection:
        stored = connection.execute("select count(*) from patient_admin.message").fetchall()[0][0]

    assert status is not None
    assert told["loaded"] == status["messages"]["loaded"] == stored == 12


def test_second_look_asks_for_no_run(world: DagsterWorld) -> None:
    world.write("a.ndjson")
    world.run_what_sensor_asks()

    again = world.tick()

    assert not again.run_requests
    assert again.skip_message == "Nothing new."


def test_changed_file_is_loaded_again_as_duplicates_and_new(world: DagsterWorld) -> None:
    path = world.write("a.ndjson", messages=5)
    world.run_what_sensor_asks()
    more = world.write("b.ndjson", messages=5, seed=2)
    path.write_bytes(path.read_bytes() + more.read_bytes())
    more.unlink()

    result = world.run_what_sensor_asks()

    assert result is not None
    told = metadata_of(result)["landed_objects"]
    assert (told["received"], told["duplicate"], told["loaded"]) == (10, 5, 5)


def test_file_changed_just_now_is_left_to_settle(
    world: DagsterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_WATCH__SETTLE_S", "60")
    path = world.write("a.ndjson")

    fresh = world.tick()
    os.utime(path, (time.time() - 120, time.time() - 120))
    settled = world.tick()

    assert not fresh.run_requests and "1 changed just now" in (fresh.skip_message or "")
    assert len(settled.run_requests or ()) == 1


def test_batch_holds_at_most_so_many_files(
    world: DagsterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_WATCH__MAX_BATCH_FILES", "2")
    for number in range(3):
        world.write(f"{number}.ndjson", messages=2, seed=number)

    first, second = world.run_what_sensor_asks(), world.run_what_sensor_asks()

    assert first is not None and metadata_of(first)["landed_objects"]["objects"] == 2
    assert second is not None and metadata_of(second)["landed_objects"]["objects"] == 1
    assert world.run_what_sensor_asks() is None


def test_sensor_answers_while_a_load_holds_the_warehouse(world: DagsterWorld) -> None:
    world.write("a.ndjson")
    world.run_what_sensor_asks()
    world.write("b.ndjson", seed=2)

    with write_lock(world.settings.warehouse_path, wait_s=1):
        started = time.monotonic()
        asked = world.tick().run_requests

    assert len(asked or ()) == 1
    assert time.monotonic() - started < 5


def test_sensor_notes_how_much_waits_and_how_long(world: DagsterWorld) -> None:
    path = world.write("a.ndjson")
    os.utime(path, (time.time() - 100,) * 2)

    events = world.tick().asset_events

    assert [event.asset_key.to_user_string() for event in events] == ["incoming_segments"]
    noted = events[0].metadata
    assert noted["waiting"].value == 1
    assert noted["bytes"].value == path.stat().st_size
    assert 100 <= int(str(noted["oldest_s"].value)) < 200


def test_missing_watched_path_does_not_hide_the_others(
    world: DagsterWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "exports"
    monkeypatch.setenv("REDOX_WAREHOUSE_WATCH__PATHS", f'["{tmp_path}/nowhere", "{other}"]')
    assert "number 1 of watch.paths" in (world.tick().skip_message or "")
    other.mkdir()
    world.write("a.ndjson").rename(other / "a.ndjson")

    assert len(world.tick().run_requests or ()) == 1


def test_sweep_loads_what_waits_without_a_batch(world: DagsterWorld) -> None:
    world.write("a.ndjson")

    result = world.run("load")
    idle = world.run("load")

    assert metadata_of(result)["landed_objects"]["loaded"] == 12
    assert idle.success and metadata_of(idle) == {}


def test_backfill_loads_a_folder_of_envelopes(world: DagsterWorld, tmp_path: Path) -> None:
    path = world.write("rows.jsonl", messages=4, output={"envelope": "body"})
    old = tmp_path / "old"
    old.mkdir()
    path.rename(old / "rows.jsonl")
    config = {"paths": [str(old)], "unwrap": "body", "in_place": True}

    result = world.run("backfill_folder", run_config={"ops": {"load_messages": {"config": config}}})

    assert result.success
    assert metadata_of(result)["landed_objects"]["loaded"] == 4


def test_backfill_leaves_a_damaged_file_out(world: DagsterWorld, tmp_path: Path) -> None:
    path = world.write("rows.jsonl", messages=4)
    old = tmp_path / "old"
    old.mkdir()
    (old / "damaged.gz").write_bytes(b"\x1f\x8b damaged")
    path.rename(old / "rows.jsonl")
    config = {"paths": [str(old)]}

    result = world.run("backfill_folder", run_config={"ops": {"load_messages": {"config": config}}})

    assert result.success
    told = metadata_of(result)["landed_objects"]
    assert (told["loaded"], told["objects_refused"]) == (4, 1)
    assert checks_of(result)["landed_objects", "sources_readable"] is False


def test_every_model_is_judged_by_every_load(world: DagsterWorld) -> None:
    world.write("a.ndjson", messages=3)
    world.run_what_sensor_asks()
    world.write("b.ndjson", messages=3, data_models=("Notes",))

    result = world.run_what_sensor_asks()

    assert result is not None
    passed = checks_of(result)
    assert len(passed) == 3 + 2 * 3 and all(passed.values())
    assert ("redox/patient_admin", "errors_within_limit") in passed
    assert "redox/patient_admin" not in metadata_of(result)


def test_too_much_quarantine_warns_and_replay_is_a_job(world: DagsterWorld) -> None:
    world.put("bad.ndjson", b'{"Meta": {"DataModel": "Nonesuch", "EventType": "New"}}\n')

    result = world.run_what_sensor_asks()
    replayed = world.run("replay_quarantine")

    assert result is not None
    assert checks_of(result)["landed_objects", "quarantine_share"] is False
    (told,) = (
        check.description
        for check in result.get_asset_check_evaluations()
        if check.check_name == "quarantine_share"
    )
    assert told == (
        "HOME/incoming 1 of 1 (100.00%), limit 50.00% (of all: last 24 hours 100.00%, last 7 days 100.00%, "
        "all time 100.00%); the reasons and commands are in worst_reasons."
    )
    assert replayed.success
    assert metadata_of(result)["findings"]["open_quarantine"] == 1


def test_reload_rebuilds_all_slices(world: DagsterWorld) -> None:
    world.write("a.ndjson")
    world.run_what_sensor_asks()

    result = world.run("reload_slices")

    assert result.success
    with duckdb.connect(str(world.settings.warehouse_path), read_only=True) as connection:
        kinds = connection.execute("select kind from core.load order by load_id").fetchall()
    assert kinds == [("load",), ("reload",)]
