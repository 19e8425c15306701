"""Checks speak of what just came: a bad batch is seen beside all history, a good one ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from etl.queries.feeds import FeedShare, PlaceShare, Window
from etl.queries.figures import read_figures
from etl.queries.verdicts import evaluate_errors, evaluate_quarantine, publishing_blockers
from etl.sections import CheckSettings
from tests.orchestration.dagster_world import DagsterWorld, checks_of, metadata_of, said
from tests.pipeline.small_messages import make_patient

CHECKS = CheckSettings()


def feed(window: Window, messages: int, with_errors: int, source: str = "a") -> FeedShare:
    return FeedShare(window, "PatientAdmin", source, messages, with_errors, 0)


def test_a_bad_batch_after_a_million_good_messages_fails() -> None:
    feeds = [feed(Window.NEWEST, 1_000, 100), feed(Window.ALL, 1_001_000, 100, "")]

    verdict = evaluate_errors(feeds, "PatientAdmin", CHECKS)

    assert not verdict.passed
    assert verdict.above[0].share == 0.1


def test_one_bad_source_is_seen_beside_large_good_ones() -> None:
    feeds = [feed(Window.NEWEST, 100_000, 0), feed(Window.NEWEST, 10, 10, "b")]

    assert [p.label for p in evaluate_errors(feeds, "PatientAdmin", CHECKS).above] == ["b"]


def test_a_folder_of_which_nothing_could_be_loaded_is_seen_beside_good_ones() -> None:
    places = [PlaceShare(Window.NEWEST, "in", 10_000, 0), PlaceShare(Window.NEWEST, "new", 3, 3)]

    assert [part.label for part in evaluate_quarantine(places, 0.5).above] == ["new"]


def put(world: DagsterWorld, name: str, *, good: int, bad: int) -> None:
    import json

    messages = [make_patient(f"{name}-{number}", {}) for number in range(good)]
    messages += [
        make_patient(f"{name}-bad-{number}", {"DOB": "1984-02-30"}) for number in range(bad)
    ]
    world.put(f"{name}.ndjson", b"".join(json.dumps(m).encode() + b"\n" for m in messages))


def evaluation(result: dg.ExecuteInProcessResult, name: str) -> Any:
    return next(c for c in result.get_asset_check_evaluations() if c.check_name == name)


def test_errors_of_a_batch_hold_publishing_back_until_a_good_one(world: DagsterWorld) -> None:
    put(world, "first", good=30, bad=0)
    good = world.run_what_sensor_asks()
    put(world, "second", good=9, bad=1)
    bad = world.run_what_sensor_asks()
    held_back = world.run("publish")
    put(world, "third", good=10, bad=0)
    better = world.run_what_sensor_asks()
    published = world.run("publish")

    assert good and bad and better
    key = ("redox/patient_admin", "errors_within_limit")
    assert [checks_of(run)[key] for run in (good, bad, better)] == [True, False, True]
    check = evaluation(bad, "errors_within_limit")
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert check.metadata["share"].value == 0.1
    assert check.metadata["share_all_time"].value == pytest.approx(1 / 40)
    rules = check.metadata["worst_rules"].value
    assert "time_impossible" in rules and "`Patient.Demographics.DOB`" in rules
    assert (
        "redox-warehouse findings --rule time_impossible --model PatientAdmin "
        "--path 'Patient.Demographics.DOB' --messages" in rules
    )
    assert "has errors in 1 of 10 messages of its newest load" in said(held_back)
    assert published.success
    assert metadata_of(published)["published_version"]["version"] == 1


def test_windows_move_on_with_time(world: DagsterWorld) -> None:
    put(world, "only", good=1, bad=1)
    world.run_what_sensor_asks()
    now = datetime.now(UTC)

    soon = read_figures(world.settings, now=now)
    two_days = read_figures(world.settings, now=now + timedelta(days=2))
    two_weeks = read_figures(world.settings, now=now + timedelta(days=14))

    def windows(figures: Any) -> set[Window]:
        return {one.window for one in figures.lately.feeds}

    assert windows(soon) == set(Window)
    assert windows(two_days) == {Window.WEEK, Window.ALL}
    assert windows(two_weeks) == {Window.ALL}
    assert publishing_blockers(soon, CHECKS) and not publishing_blockers(two_days, CHECKS)


def test_part_of_a_load_shows_everything_it_did(world: DagsterWorld) -> None:
    world.write("a.ndjson", messages=3)
    world.write("b.ndjson", messages=2, data_models=("Notes",))
    definition = world.definitions.get_implicit_global_asset_job_def()

    result = definition.execute_in_process(
        instance=world.instance, asset_selection=[dg.AssetKey(["redox", "patient_admin"])]
    )

    assert result.success
    notes = world.instance.get_latest_materialization_event(dg.AssetKey(["redox", "notes"]))
    assert notes is not None and notes.asset_materialization is not None
    assert notes.asset_materialization.metadata["messages"].value == 2
    assert evaluation(result, "ledger_adds_up").passed


def test_reload_and_replay_renew_what_they_touched(world: DagsterWorld) -> None:
    put(world, "a", good=4, bad=1)
    world.put("bad.ndjson", b'{"Meta": {"DataModel": "Nonesuch", "EventType": "New"}}\n')
    world.run_what_sensor_asks()

    reloaded = world.run("reload_slices")
    replayed = world.run("replay_quarantine")

    event = world.instance.get_latest_materialization_event(dg.AssetKey(["redox", "patient_admin"]))
    assert reloaded.success and replayed.success
    assert event is not None and event.run_id == reloaded.run_id
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["messages_reloaded"].value == 5
    assert not evaluation(reloaded, "errors_within_limit").passed
    assert evaluation(replayed, "ledger_adds_up").passed


def test_severity_of_a_rule_is_the_sites(world: DagsterWorld) -> None:
    overlay = world.settings.catalog_path
    overlay.mkdir(parents=True)
    (overlay / "rules.csv").write_text("rule,severity\ntime_impossible,warning\n")
    put(world, "a", good=4, bad=1)

    result = world.run_what_sensor_asks()

    assert result is not None
    assert checks_of(result)["redox/patient_admin", "errors_within_limit"]
    assert evaluation(result, "warnings_within_limit").metadata["share"].value == 0.2


@pytest.mark.slow
def test_assets_say_where_their_data_is(world: DagsterWorld, tmp_path: Path) -> None:
    put(world, "a", good=4, bad=0)
    world.run_what_sensor_asks()
    published = world.run("publish")
    put(world, "b", good=3, bad=0)

    loaded = world.run_what_sensor_asks()

    assert loaded is not None
    facts = metadata_of(loaded)["redox/patient_admin"]
    assert facts["path"].endswith("published/versions/1/patient_admin")
    assert (facts["version"], facts["dagster/row_count"]) == (1, 7)
    assert facts["published_rows"] >= 4 and facts["published_bytes"] > 0
    assert "from patient_admin.message limit 10" in facts["open_with_duckdb"]
    assert metadata_of(published)["published_version"]["path"].endswith("versions/1")
