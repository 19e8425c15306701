"""What a registration does with a version: what it adds, removes, leaves alone, refuses."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from etl.errors import PermanentError, UsageFault
from tests.delta.small_home import SmallHome


@pytest.fixture
def home(tmp_path: Path) -> SmallHome:
    world = SmallHome(tmp_path)
    world.load(30)
    world.load(20, slice_number=1)
    world.publish()
    return world


def actions(home: SmallHome, name: str, version: int) -> list[dict[str, Any]]:
    log = home.lake.joinpath(*name.split("."), "_delta_log", f"{version:020d}.json")
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def paths(found: list[dict[str, Any]], kind: str) -> list[str]:
    return sorted(action[kind]["path"] for action in found if kind in action)


def parts(found: list[dict[str, Any]], kind: str) -> list[str]:
    return [path.partition("-")[0] for path in paths(found, kind)]


def versions(home: SmallHome) -> dict[tuple[int, str], int]:
    return {
        (row["version"], f"{row['table_schema']}.{row['table_name']}"): row["delta_version"]
        for row in home.rows("published.version").to_pylist()
    }


def test_every_table_is_registered_over_links_to_the_published_files(home: SmallHome) -> None:
    summary = home.register()
    assert (summary.version, summary.is_new, summary.tables) == (1, True, 8)
    assert home.differing() == []
    published = home.folder.folder_of(1) / "orders" / "message"
    linked = {path.stat().st_ino for path in (home.lake / "orders" / "message").glob("*.parquet")}
    assert linked == {path.stat().st_ino for path in published.iterdir()}


def test_a_table_without_rows_has_its_columns(home: SmallHome) -> None:
    home.register()
    assert home.delta("claim.message").file_uris() == []
    assert home.rows("claim.message").schema.names == ["message_id", "amount"]


def test_registering_again_writes_nothing(home: SmallHome) -> None:
    home.register()
    before = sorted(str(path) for path in home.lake.rglob("*"))
    again = home.register()
    assert (again.is_new, again.tables_changed, again.files_added) == (False, 0, 0)
    assert sorted(str(path) for path in home.lake.rglob("*")) == before


def test_a_load_adds_and_removes_in_one_commit_and_leaves_other_tables_alone(
    home: SmallHome,
) -> None:
    home.register()
    home.load(5, slice_number=1)
    home.publish()
    home.register()
    assert home.differing() == []
    commit = actions(home, "orders.message", 1)
    assert (parts(commit, "add"), parts(commit, "remove")) == (["1"], ["1"])
    assert not set(paths(commit, "add")) & set(paths(commit, "remove"))
    assert [action["txn"] for action in commit if "txn" in action] == [
        {"appId": "redox-warehouse", "version": 2}
    ]
    assert home.delta("claim.message").version() == 0


def test_a_slice_that_lost_its_rows_is_removed(home: SmallHome) -> None:
    home.register()
    home.reload(1, f"delete from orders.lines where message_id >= {1 << 18}")
    home.publish()
    home.register()
    assert home.differing() == []
    commit = actions(home, "orders.lines", 1)
    assert (parts(commit, "add"), parts(commit, "remove")) == ([], ["1"])


def test_content_that_comes_back_gets_a_name_of_its_own(home: SmallHome) -> None:
    home.register()
    for weight in ("weight + 1", "weight - 1"):
        home.reload(0, f"update orders.message set weight = {weight} where message_id < 100")
        home.publish()
        home.register()
    added = [path for n in (0, 1, 2) for path in paths(actions(home, "orders.message", n), "add")]
    assert len(added) == len(set(added))
    assert home.differing() == []


def test_the_log_holds_no_value_of_a_row(home: SmallHome) -> None:
    home.register()
    for log in home.lake.rglob("*.json"):
        text = log.read_text("utf-8")
        assert "Patient 1" not in text
        assert "minValues" not in text
        assert "1899" not in text
    statistics = [
        json.loads(a["add"]["stats"]) for a in actions(home, "orders.message", 0) if "add" in a
    ]
    assert statistics == [{"numRecords": 30}, {"numRecords": 20}]
    assert home.delta("orders.message").metadata().configuration == {
        "delta.dataSkippingNumIndexedCols": "0"
    }


def test_comments_are_metadata_of_table_and_columns_and_follow_changes(home: SmallHome) -> None:
    home.register()
    table = home.delta("orders.message")
    comments = {field.name: field.metadata for field in table.schema().fields}
    assert table.metadata().description == "One row per order"
    assert comments["birth_date"] == {"comment": "Patient.Demographics.DOB; Safe Harbor: date"}
    assert comments["weight"] == {}

    home.warehouse.execute("comment on column orders.message.weight is 'In kilograms'")
    home.warehouse.execute("comment on table orders.message is 'One row per order, as sent'")
    home.load(1)
    home.publish()
    home.register()
    table = home.delta("orders.message")
    comments = {field.name: field.metadata for field in table.schema().fields}
    assert table.metadata().description == "One row per order, as sent"
    assert comments["weight"] == {"comment": "In kilograms"}
    assert home.register().tables_changed == 0


def test_new_and_retyped_columns_replace_all_files_in_one_commit(home: SmallHome) -> None:
    home.register()
    home.warehouse.execute("alter table orders.message add column unit varchar")
    home.warehouse.execute("alter table orders.message alter whole type bigint")
    home.publish()
    home.register()
    commit = actions(home, "orders.message", 1)
    assert (parts(commit, "add"), parts(commit, "remove")) == (["0", "1"], ["0", "1"])
    assert home.differing() == []
    assert home.rows("orders.message").schema.names[-1] == "unit"
    earlier = home.delta("orders.message", version=0).to_pyarrow_dataset().to_table()
    assert (earlier.num_rows, "unit" in earlier.schema.names) == (50, False)


def test_a_table_that_the_version_no_longer_has_loses_its_rows(home: SmallHome) -> None:
    home.register()
    home.warehouse.execute("drop table orders.lines")
    home.publish()
    home.register()
    assert home.rows("orders.lines").num_rows == 0
    assert home.register().tables_changed == 0


def test_the_table_of_versions_leads_to_the_state_of_each_table(home: SmallHome) -> None:
    home.register()
    first = {name: home.rows(name) for name in home.names()}
    home.load(5, slice_number=1)
    home.publish()
    home.register()
    found = versions(home)
    assert {version for version, _ in found} == {1, 2}
    for name, rows in first.items():
        then = home.delta(name, version=found[1, name]).to_pyarrow_dataset().to_table()
        assert then.equals(rows), name
    assert found[2, "orders.message"] == 1
    assert found[2, "claim.message"] == 0


def test_files_that_no_state_names_are_deleted_when_their_time_is_over(home: SmallHome) -> None:
    home.register()
    home.reload(0, "update orders.message set patient = 'someone else' where message_id < 100")
    home.publish()
    kept = home.register()
    assert kept.files_deleted == 0
    purged = home.register(keep_hours=0)
    assert purged.files_deleted == kept.files_removed + 1, (
        "that of version 1 in the table of versions"
    )
    assert home.differing() == []
    assert {version for version, _ in versions(home)} == {2}
    active = {Path(uri).name for uri in home.delta("orders.message").file_uris()}
    there = {path.name for path in (home.lake / "orders" / "message").glob("*.parquet")}
    assert there == active


def test_what_another_program_did_to_a_table_is_undone(home: SmallHome) -> None:
    home.register()
    home.delta("orders.message").optimize.compact()
    home.delta("orders.lines").delete("lines_ordinal = 1")
    assert home.differing() == ["orders.lines"]
    assert home.register().tables_changed == 2
    assert home.differing() == []


def test_a_checkpoint_of_the_log_changes_nothing(home: SmallHome) -> None:
    home.register()
    for name in home.names():
        home.delta(name).create_checkpoint()
    home.load(5, slice_number=1)
    home.publish()
    home.register(keep_hours=0)
    assert home.differing() == []
    assert home.register().tables_changed == 0


def test_a_folder_that_others_may_read_gets_copies_with_its_rights(home: SmallHome) -> None:
    home.lake.mkdir(mode=0o750)
    home.lake.chmod(0o750)
    home.register()
    assert home.differing() == []
    published = next((home.folder.folder_of(1) / "orders" / "message").iterdir())
    assert stat.S_IMODE(published.stat().st_mode) == 0o400
    for path in home.lake.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o007 == 0, path
        assert mode & 0o040, path


def test_a_new_folder_is_for_its_owner_only(home: SmallHome) -> None:
    home.register()
    for path in (home.lake, *home.lake.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_another_home_is_refused(home: SmallHome, tmp_path: Path) -> None:
    home.register()
    other = SmallHome(tmp_path / "other")
    other.load(1)
    other.publish()
    other.lake = home.lake
    with pytest.raises(PermanentError, match="another home"):
        other.register()
    assert home.differing() == []


def test_a_home_whose_versions_began_again_is_refused(home: SmallHome) -> None:
    home.load(1)
    home.publish()
    home.register()
    shutil.rmtree(home.settings.published_path)
    home.load(1)
    home.publish()
    with pytest.raises(PermanentError, match="hold version 2"):
        home.register()


def test_without_a_version_there_is_nothing_to_register(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="publish"):
        SmallHome(tmp_path).register()
