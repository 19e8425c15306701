"""What fails, fails once and in one sentence; what may pass is tried again; nobody's name leaks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from etl.errors import (
    DiskFull,
    PermanentError,
    RedoxWarehouseError,
    TransientError,
    UsageFault,
    WarehouseBusy,
)
from etl.orchestration import loading, new_files, publishing
from etl.pipeline.batches import BatchSummary
from etl.sources.seen import read_seen
from tests.orchestration.dagster_world import DagsterWorld, checks_of, metadata_of, said

CANARY = "Zebulonsky"
SSN = "987-65-4320"
SENTENCE = "Something is out of order; set it right."


def failing(error: Exception, times: int = 99) -> tuple[Callable[..., BatchSummary], list[int]]:
    """A load that raises so many times and then works."""
    calls: list[int] = []
    real = loading.run_load

    def run_load(*arguments: object) -> BatchSummary:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return real(*arguments)  # type: ignore[arg-type]

    return run_load, calls


@pytest.mark.parametrize("kind", [TransientError, WarehouseBusy])
def test_transient_failures_are_tried_again(
    kind: type[RedoxWarehouseError], world: DagsterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_load, calls = failing(kind(SENTENCE), times=2)
    monkeypatch.setattr(loading, "run_load", run_load)
    world.write("a.ndjson", messages=3)

    result = world.run("load")

    assert result.success and len(calls) == 3
    assert metadata_of(result)["landed_objects"]["loaded"] == 3


def test_transient_failures_end_with_their_sentence(
    world: DagsterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_load, calls = failing(TransientError(SENTENCE))
    monkeypatch.setattr(loading, "run_load", run_load)

    result = world.run("load")

    assert len(calls) == 4
    assert said(result) == SENTENCE


@pytest.mark.parametrize(
    "error", [PermanentError(SENTENCE), UsageFault(SENTENCE), DiskFull(SENTENCE)]
)
def test_other_failures_are_not_tried_again(
    error: Exception, world: DagsterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_load, calls = failing(error)
    monkeypatch.setattr(loading, "run_load", run_load)

    result = world.run("load")

    assert len(calls) == 1
    assert said(result) == SENTENCE


def test_error_of_a_library_tells_its_kind_and_place_but_no_data(
    kept_world: DagsterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_load(*_: object) -> BatchSummary:
        patient = f"{CANARY} {SSN}"
        try:
            raise KeyError(patient)
        except KeyError as error:
            raise duckdb.ConversionException(f"could not cast {patient}") from error

    monkeypatch.setattr(loading, "run_load", run_load)

    result = kept_world.run("load")

    assert "ConversionException" in said(result)
    failure = result.filter_events(lambda event: event.is_step_failure)[0]
    assert "run_load" in str(failure.step_failure_data)
    assert kept_world.storage_holds(CANARY, SSN) == []


def bad_messages() -> list[bytes]:
    """A canary in everything that can be wrong with a message."""
    meta = {"DataModel": "PatientAdmin", "EventType": "NewPatient"}
    person = {"Demographics": {"LastName": CANARY, "SSN": SSN, "DOB": CANARY, "Sex": CANARY}}
    payloads = [
        {"Meta": meta, "Patient": person, CANARY: SSN},
        {"Meta": {**meta, "EventType": CANARY}, "Patient": person},
        {"Meta": {**meta, "DataModel": CANARY}, "Patient": person},
        {"Meta": meta, "Patient": CANARY},
        [CANARY],
        {"Patient": person},
    ]
    lines = [json.dumps(payload).encode() for payload in payloads]
    return [
        *lines,
        lines[0][:-5],
        b'{"Meta": ' + CANARY.encode() + b"}",
        lines[0].replace(b"L", b"\xff"),
        lines[0].replace(f'"{SSN}"'.encode(), b"NaN"),
        b'{"a":' * 200 + b'"' + CANARY.encode() + b'"' + b"}" * 200,
    ]


@pytest.mark.slow  # tests/privacy has a slice
def test_canaries_in_bad_messages_never_reach_dagster(
    kept_world: DagsterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, line in enumerate(bad_messages()):
        kept_world.put(f"{CANARY}/{CANARY}-{SSN}-{number}.json", line)
    damaged = gzip.compress(b"".join(bad_messages()))[:-20]
    kept_world.put(f"{CANARY}-{SSN}.json.gz", damaged)

    loaded = kept_world.run_what_sensor_asks()
    held_back = kept_world.run("publish")
    monkeypatch.setenv("REDOX_WAREHOUSE_CHECKS__QUARANTINE_ERROR_SHARE", "1")
    monkeypatch.setenv("REDOX_WAREHOUSE_CHECKS__ERROR_SHARE", "1")
    published = kept_world.run("publish")
    replayed = kept_world.run("replay_quarantine")
    sweep = kept_world.run("load")

    assert loaded is not None and not held_back.success and published.success
    assert replayed.success and sweep.success
    assert metadata_of(loaded)["landed_objects"]["quarantined"] >= 6
    assert checks_of(loaded)["landed_objects", "sources_readable"] is False
    assert kept_world.storage_holds(CANARY, SSN) == []


def test_batches_are_for_their_owner_only(world: DagsterWorld) -> None:
    world.put(f"{CANARY}.json", b"{}")

    asked = world.tick().run_requests

    name = (asked or [])[0].tags[new_files.BATCH_TAG]
    listing = world.settings.home / "batches" / f"{name}.json"
    assert listing.stat().st_mode & 0o777 == 0o600
    assert listing.parent.stat().st_mode & 0o777 == 0o700
    assert CANARY in listing.read_text() and CANARY not in str(asked)


def test_damaged_file_does_not_stop_the_others_and_is_tried_once(world: DagsterWorld) -> None:
    world.write("good.ndjson", messages=3)
    damaged = world.put("bad.gz", gzip.compress(b"{}" * 1000)[:-9])

    result = world.run_what_sensor_asks()
    again = world.tick()
    damaged.write_bytes(b"{}")
    mended = world.tick()

    assert result is not None
    told = metadata_of(result)["landed_objects"]
    assert (told["objects"], told["objects_refused"], told["loaded"]) == (2, 1, 3)
    assert told["quarantined"] > 0  # what could be read of the damaged file
    assert not again.run_requests
    assert len(mended.run_requests or ()) == 1


def test_file_that_vanishes_before_its_run_is_refused(world: DagsterWorld) -> None:
    path = world.write("a.ndjson", messages=3)
    asked = world.tick().run_requests or []
    path.unlink()

    result = world.run("load", run_config=asked[0].run_config)

    assert result.success
    assert metadata_of(result)["landed_objects"]["objects_refused"] == 1
    assert [entry.object_id for entry in read_seen(world.settings.seen_path)] == [""]


def test_lost_listing_says_what_to_do(world: DagsterWorld) -> None:
    config = {"ops": {"load_messages": {"config": {"batch": "0" * 32}}}}

    assert "run the load without a batch" in said(world.run("load", run_config=config))


def test_sensor_fails_in_one_sentence(world: DagsterWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object) -> None:
        raise OSError(f"cannot read {CANARY}")

    monkeypatch.setattr(new_files, "find_waiting", find)

    with pytest.raises(dg.Failure) as caught:
        world.tick()

    stored = str(serializable_error_info_from_exc_info(caught._excinfo))
    assert "An unexpected OSError" in stored and CANARY not in stored


@pytest.mark.slow
def test_errors_hold_publishing_back_and_warnings_do_not(
    world: DagsterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = world.settings.catalog_path
    overlay.mkdir(parents=True)
    (overlay / "rules.csv").write_text(
        "rule,severity,area,meaning,action\n"
        "value_not_supported,error,value set,Outside the set.,Map it.\n"
        "value_not_supported_new,error,value set,Outside the set.,Map it.\n"
    )
    world.write("a.ndjson", messages=6, shares={"bad_codes": 1})

    loaded = world.run_what_sensor_asks()
    held_back = world.run("publish")
    monkeypatch.setenv("REDOX_WAREHOUSE_CHECKS__ERROR_SHARE", "1")
    let_through = world.run("publish")

    assert loaded is not None
    assert checks_of(loaded)["redox/patient_admin", "errors_within_limit"] is False
    assert "because PatientAdmin from " in said(held_back)
    assert "has errors in" in said(held_back)
    assert let_through.success
    assert metadata_of(let_through)["published_version"]["version"] == 1


def test_publish_before_the_first_load_says_what_to_do(world: DagsterWorld) -> None:
    assert "load` first" in said(world.run("publish"))


def test_nothing_new_publishes_nothing(
    world: DagsterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(publishing, "publish", publish)

    assert world.run("load_and_publish").success


def test_folder_that_is_not_there_fails_the_backfill(world: DagsterWorld, tmp_path: Path) -> None:
    config = {"ops": {"load_messages": {"config": {"paths": [str(tmp_path / "none")]}}}}

    assert "Nothing is at" in said(world.run("backfill_folder", run_config=config))
