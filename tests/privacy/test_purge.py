"""A purged patient is nowhere below the home, the rest is as if they had never been there."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from etl.cli.opening import open_loader
from etl.errors import TransientError, UsageFault
from etl.landing.store import Landing
from etl.pipeline.delta import register_delta
from etl.pipeline.load import load_paths
from etl.pipeline.purge.request import PurgeRequest
from etl.pipeline.purge.run import PurgeSummary, purge, resume
from etl.queries.verdicts import ledger_balances
from etl.settings import Settings, read_settings
from tests.pipeline.small_messages import ask, contents, facts, load, reload_all
from tests.privacy.planted import MRN, PATIENT, found, make_home, of

REQUEST = PurgeRequest(patients=(PATIENT,), reason="asked for it")
NUMBERED = ("message_id", "first_message_id", "load_id", "object_id", "item", "content_hash")
LEDGER = ("core.load", "core.load_part", "core.landed_object", "core.quarantine", "core.purge",
          "core.purged_item", "core.purged_content", "core.duplicate_delivery",
          "core.slice_change", "core.warehouse")  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted home, made once."""
    return make_home(tmp_path_factory.mktemp("planted")).home.parent


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Settings:
    shutil.copytree(made, tmp_path / "site", symlinks=True)
    return read_settings(tmp_path / "site" / "home")


def run_purge(settings: Settings, request: PurgeRequest = REQUEST, **options: Any) -> PurgeSummary:
    with open_loader(settings) as loader:
        return purge(loader, request, **options)


def test_planted_patient_is_everywhere_before(made: Path) -> None:
    places = {place.split("/")[0] for place, _ in found(made / "home")}
    assert {"warehouse.duckdb", "landing", "published", "reports", "exports", "batches",
            "incoming", "pull", "seen.parquet"} <= places  # fmt: skip


def test_a_dry_run_counts_and_changes_nothing(made: Path) -> None:
    home = read_settings(made / "home")
    before = found(home.home)
    summary = run_purge(home, dry_run=True)
    assert summary.removed.messages == 7
    assert (summary.removed.duplicates, summary.removed.quarantined, summary.waiting) == (3, 1, 2)
    assert found(home.home) == before


@pytest.fixture(scope="module")
def purged(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The planted home after the purge; nobody may change it."""
    site = tmp_path_factory.mktemp("purged") / "site"
    shutil.copytree(made, site, symlinks=True)
    settings = read_settings(site / "home")
    lake = settings.home / "lake"
    register_delta(settings, str(lake))
    assert any(place.startswith("lake/") for place, _ in found(settings.home))
    summary = run_purge(settings)
    assert summary.delta == (str(lake),)
    assert (summary.removed.messages, summary.removed.duplicates) == (9, 3)
    assert summary.versions.removed == (1, 2)
    assert summary.traces.dagster == 0
    return settings


@pytest.fixture
def purged_copy(purged: Settings, tmp_path: Path) -> Settings:
    """The same, to be changed."""
    shutil.copytree(purged.home.parent, tmp_path / "site", symlinks=True)
    return read_settings(tmp_path / "site" / "home")


def test_nothing_of_a_purged_patient_is_found(purged: Settings) -> None:
    assert found(purged.home) == set()


@pytest.mark.slow
def test_a_lake_that_is_not_there_is_named_until_it_is_purged(home: Settings) -> None:
    lake, away = home.home / "lake", home.home.parent / "away"
    register_delta(home, str(lake))
    lake.rename(away)
    with pytest.raises(TransientError, match=str(lake)):
        run_purge(home)
    unfinished = {place.split("/")[0] for place, _ in found(home.home)}
    assert unfinished == {"purge.json"}, "which says what is to go until all of it is gone"
    away.rename(lake)
    with open_loader(home) as loader:
        resumed = resume(loader)
    assert resumed is not None and resumed.delta == (str(lake),)
    assert found(home.home) == set()


def test_the_rest_is_as_if_the_patient_had_never_been_there(
    purged: Settings, tmp_path: Path
) -> None:
    undisturbed = make_home(tmp_path, planted=False)
    ours, theirs = (
        facts(home, without=NUMBERED, leave_out=LEDGER) for home in (purged, undisturbed)
    )
    assert [name for name in ours | theirs if ours.get(name) != theirs.get(name)] == []


def test_counts_are_those_of_a_reload(purged_copy: Settings) -> None:
    home = purged_copy
    before = contents(home)
    reload_all(home)
    after = contents(home)
    assert [name for name in before if before[name] != after[name]] == []


def test_the_ledger_adds_up_and_the_record_holds_no_value(purged: Settings) -> None:
    from etl.queries.figures import read_figures

    ledger = read_figures(purged).ledger
    assert ledger_balances(ledger)
    assert ledger.purged == 13
    (record,) = ask(purged, "select selected_by, reason, messages, quarantined from core.purge")
    assert record == ("patient", "asked for it", 9, 1)


def test_kept_bytes_are_whole_and_other_messages_where_they_were(purged: Settings) -> None:
    landing = Landing(purged.landing_path)
    assert all(landing.is_unchanged(object_id) for object_id in landing.object_ids())
    rows = ask(purged, "select object_id, item, log_id from core.message")
    for object_id, item, log_id in rows:
        at = landing.items(object_id, item, item + 1)
        raw = landing.read(object_id, int(at.offset[0]), int(at.length[0]))
        assert log_id.encode() in raw


def test_a_redelivery_is_refused_and_its_bytes_do_not_stay(purged_copy: Settings) -> None:
    home = purged_copy
    summary = load(home, "redelivered", [of(MRN, "good", sex="Odd"), of("MRN9", "new")])
    assert (summary.loaded, summary.purged) == (1, 1)
    load_paths(home, [str(home.home.parent / "first.ndjson")])
    load_paths(home, [str(home.home.parent / f"of {MRN}.ndjson")])
    hits = {place.split("/")[0] for place, _ in found(home.home)}
    assert hits <= {"seen.parquet"}, "the file is still there under its name"
    purge_settings = home.purge.model_copy(update={"redelivery": "load"})
    loading = home.model_copy(update={"purge": purge_settings})
    assert load(loading, "loaded again", [of(MRN, "misfit")]).loaded == 1


@pytest.mark.slow
def test_other_conditions_are_met_together(home: Settings) -> None:
    everything = ask(home, "select count(*) from core.message")[0][0]
    assert run_purge(home, PurgeRequest(sources=("source-b",))).removed.messages == 0
    narrow = PurgeRequest(before="2026-03-03", data_models=("PatientSearch",))
    assert run_purge(home, narrow).removed.messages == 1
    one = PurgeRequest(messages=(ask(home, "select min(message_id) from core.message")[0][0],))
    assert run_purge(home, one).removed.messages == 1
    rest = run_purge(home, PurgeRequest(before="2100-01-01")).removed
    assert rest.messages == everything - 2 + 2  # two waited in incoming and in the spool
    assert list(Landing(home.landing_path).object_ids()) == []


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (PurgeRequest(), "Select what to purge"),
        (PurgeRequest(patients=("MRN1",)), "SOURCE:ID"),
        (PurgeRequest(patients=("a:MRN1",), reason="for mrn1"), "reason"),
    ],
)
def test_a_request_that_names_nothing_is_refused(request_: PurgeRequest, words: str) -> None:
    with pytest.raises(UsageFault, match=words):
        request_.check()


MARKS = (
    "etl.pipeline.purge.run:write_entry",
    "etl.pipeline.purge.rows:_record",
    "etl.pipeline.purge.rows:write_status",
    "etl.pipeline.purge.run:erase_pending",
    "etl.landing.own_files:write_items",
    "etl.pipeline.purge.erase:_mark",
    "etl.pipeline.purge.traces:_remove_reports",
    "etl.pipeline.purge.versions:publish",
    "etl.publish.folders:_remove",
    "etl.warehouse.compact:_sync",
    "etl.pipeline.purge.run:remove_entry",
)
KILLING = """
import importlib, os, signal, sys
module, _, name = sys.argv[1].partition(":")
owner = importlib.import_module(module)
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, die)
from etl.cli import main as door
sys.argv = ["redox-warehouse", "--home", *sys.argv[2:]]
door.main()
"""


def killed_at(settings: Settings, mark: str) -> bool:
    """Run the purge until it comes to a place, where it is killed."""
    command = [
        sys.executable,
        "-c",
        KILLING,
        mark,
        str(settings.home),
        "purge",
        "--patient",
        PATIENT,
    ]
    done = subprocess.run(command, capture_output=True)
    return done.returncode == -signal.SIGKILL


def check_kills(settings: Settings, marks: tuple[str, ...]) -> None:
    killed = [mark for mark in marks if killed_at(settings, mark)]
    assert killed == list(marks)
    run_purge(settings)
    assert found(settings.home) == set()
    assert not (settings.home / "purge.json").exists()
    assert ask(settings, "select messages, finished_at is not null from core.purge") == [(9, True)]


def test_killed_while_bytes_are_overwritten_it_ends_the_same(home: Settings) -> None:
    check_kills(home, (MARKS[4],))


@pytest.mark.faults
def test_killed_at_eleven_places_it_ends_the_same(home: Settings) -> None:
    check_kills(home, MARKS)
