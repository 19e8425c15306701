"""Stored marts: files of a version, shared while nothing they stand on changed, named when wrong."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from etl.errors import PermanentError, UsageFault
from etl.pipeline.publish import publish
from etl.queries.export import export
from tests.pipeline.mart_world import MartWorld, patient
from tests.pipeline.published_world import add_empty_load, files_of


@pytest.fixture
def world(tmp_path: Path) -> MartWorld:
    world = MartWorld(tmp_path)
    world.send("NewPatient", Patient=patient("1", LastName="Lee"))
    return world.publish()


def _marts(world: MartWorld, *, version: str = "") -> dict[str, int]:
    folder = Path(world.summary.folder)
    files = files_of(folder.with_name(version or folder.name))
    own = ("mart/", "evidence/", "quality/mart_check/")
    return {name: inode for name, inode in files.items() if name.startswith(own)}


def test_marts_are_immutable_files_that_share_when_nothing_changed(world: MartWorld) -> None:
    before = _marts(world)
    assert "mart/patient/all.parquet" in before
    for name in before:
        mode = (Path(world.summary.folder) / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o400
    assert not publish(world.settings).is_new
    add_empty_load(world.settings, 10)
    assert publish(world.settings).is_new
    again = _marts(world, version="2")
    # messages stand on the times of loads; they came out the same, so nothing after them is made again
    assert {name for name in before if again[name] != before[name]} == {
        "evidence/message/all.parquet"
    }
    world.send("Deplete", model="Inventory", Items=[{"Quantity": 1}])
    world.publish()
    assert world.summary.is_new
    after = _marts(world)
    # the message is evidence, so what stands on all messages is new; nothing else is
    unchanged = {name for name in before if after.get(name) == before[name]}
    assert "mart/allergy/empty.parquet" in unchanged
    assert world.rows("select count(*) from evidence.message") == [(2,)]


@pytest.mark.slow
def test_marts_come_with_the_export_and_the_self_contained_file(
    world: MartWorld, tmp_path: Path
) -> None:
    summary = export(world.settings, tmp_path / "out", tables=["mart.patient"])
    assert (summary.tables, summary.rows) == (1, 1)
    dictionary = (tmp_path / "out" / "dictionary.csv").read_text("utf-8")
    assert "mart.patient,last_name,VARCHAR,,,,,,family name" in dictionary
    assert Path(publish(world.settings, materialize=True).materialized).exists()


def test_marts_are_in_published_versions_alone(world: MartWorld, tmp_path: Path) -> None:
    world.settings.published_path.rename(tmp_path / "away")
    with pytest.raises(UsageFault, match=r"mart\.patient"):
        export(world.settings, tmp_path / "out", tables=["mart.patient"])


def test_a_broken_promise_holds_the_version_back_unless_set_to_warn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "etl.marts.messages._evidence", lambda *_: "rumour"
    )  # a word that the header does not list
    world = MartWorld(tmp_path)
    world.send("NewPatient", Patient=patient("1"))
    world.publish()
    monkeypatch.setattr("etl.marts.checks._key", lambda key: "count(*)")
    world.send("NewPatient", Patient=patient("2"))
    with pytest.raises(PermanentError, match=r"mart\.patient key: 2"):
        world.publish()
    assert Path(world.settings.published_path / "current").resolve().name == "1"
    lenient = MartWorld(tmp_path, marts={"checks": {"key": "warn"}})
    assert publish(lenient.settings).version == 2


@pytest.mark.slow
def test_site_macro_decides_what_is_newest(world: MartWorld) -> None:
    world.send("PatientUpdate", Patient=patient("1", LastName="Roe"), at=90)
    world.publish()
    assert world.rows("select last_name from mart.patient") == [("Roe",)]
    folder = world.settings.home / "macro"
    folder.mkdir()
    (folder / "sequence.sql").write_text(
        "-- The first message is the newest.\n"
        "-- arguments: received_at, event_at, loaded_at, message_id\n"
        "row(coalesce(received_at, event_at, loaded_at), -message_id * 0 - epoch_us(event_at))\n".replace(
            "coalesce(received_at, event_at, loaded_at)", "timestamptz '2026-01-01 00:00:00Z'"
        )
    )
    world.publish([])
    assert world.rows("select last_name from mart.patient") == [("Lee",)]
