"""Which files the next version writes and which it shares, for every way a warehouse can change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from etl.doctor.published import check_published_files
from etl.pipeline.load import open_loader
from etl.pipeline.publish import publish
from etl.pipeline.recover import recover
from etl.publish.folders import PublishedFolder
from etl.settings import Settings, read_settings
from tests.pipeline.published_world import (
    add_empty_load,
    changing,
    current,
    differing_tables,
    files_of,
    load_more,
    make_home,
    make_published_home,
    note_rewritten,
    published,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_published_home(tmp_path)


@pytest.fixture
def unpublished(tmp_path: Path) -> Settings:
    return make_home(tmp_path)


def changed_files(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name, inode in after.items() if before.get(name) != inode}


def test_unchanged_makes_no_new_version(settings: Settings) -> None:
    summary = publish(settings)
    assert (summary.version, summary.is_new, summary.files_written) == (1, False, 0)
    assert [path.name for path in (settings.published_path / "versions").iterdir()] == ["1"]


def test_a_load_rewrites_only_the_slice_and_data_model_it_touched(settings: Settings) -> None:
    before = files_of(current(settings))
    load_more(settings, data_model="Device")
    assert publish(settings).version == 2
    after = files_of(current(settings))
    changed = changed_files(before, after)
    assert differing_tables(settings) == []
    assert {name for name in changed if name.startswith("device/")}
    assert not {name for name in changed if name.startswith(("inventory/", "sso/"))}
    sliced = {name for name in changed if name.startswith(("device/", "core/message"))}
    assert {name.rpartition("/")[2] for name in sliced} <= {"1.parquet", "empty.parquet"}
    assert not {n for n in changed if n.startswith(("quality/field", "quality/value_set"))}


@pytest.mark.slow
def test_a_warehouse_built_again_shares_no_rows_that_are_others(unpublished: Settings) -> None:
    """Its messages come in other loads, under other ids."""
    load_more(unpublished, data_model="Device", seed=4)
    publish(unpublished)
    unpublished.warehouse_path.unlink()
    with open_loader(unpublished) as loader:
        recover(loader)
    load_more(unpublished, data_model="Device", seed=5)
    assert publish(unpublished).version == 2
    assert differing_tables(unpublished) == []


@pytest.mark.slow  # like the one built again
def test_a_warehouse_put_back_from_a_backup_is_published_as_it_is(unpublished: Settings) -> None:
    backup = unpublished.warehouse_path.read_bytes()
    load_more(unpublished, data_model="Device", seed=4)
    publish(unpublished)
    unpublished.warehouse_path.write_bytes(backup)
    with open_loader(unpublished) as loader:
        recover(loader)
    load_more(unpublished, data_model="Device", seed=5)
    assert publish(unpublished).version == 2
    assert differing_tables(unpublished) == []


def test_a_slice_noted_as_rewritten_is_published_anew(settings: Settings) -> None:
    """A reload keeps message ids and the load that first stored them."""
    before = files_of(current(settings))
    with changing(settings) as connection:
        connection.execute(
            "update device.message set event_type = 'Corrected' where message_id < 99"
        )
    note_rewritten(settings, 0)
    assert publish(settings).is_new
    after = files_of(current(settings))
    assert differing_tables(settings) == []
    assert before["device/message/0.parquet"] != after["device/message/0.parquet"]
    assert before["device/message/1.parquet"] == after["device/message/1.parquet"]


def test_deleted_messages_leave_the_next_version(settings: Settings) -> None:
    with changing(settings) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_columns() "
            "where column_name = 'message_id' and not internal"
        ).fetchall()
        for (name,) in tables:
            connection.execute(f"delete from {name} where message_id >= {1 << 18}")
    summary = publish(settings, keep_versions=1)
    assert summary.removed == (1,)
    assert differing_tables(settings) == []
    assert not list(current(settings).glob("device/*/1.parquet"))


def test_a_new_column_rewrites_its_table_and_no_other(settings: Settings) -> None:
    before = files_of(current(settings))
    with changing(settings) as connection:
        connection.execute("alter table device.message add column serial_no varchar")
    assert publish(settings).is_new
    after = files_of(current(settings))
    changed = {name.rpartition("/")[0] for name in changed_files(before, after)}
    read_it = {name for name in changed if name.startswith(("mart/", "evidence/", "quality/mart_"))}
    assert changed - read_it == {"device/message"}
    with published(settings) as connection:
        row = connection.execute("select count(*), count(serial_no) from device.message").fetchone()
    assert row is not None and row[0] > 0 and row[1] == 0


def test_a_damaged_file_is_not_shared(settings: Settings) -> None:
    victim = current(settings) / "device" / "message" / "0.parquet"
    victim.chmod(0o600)
    victim.write_bytes(victim.read_bytes()[:-7])
    assert publish(settings).is_new
    assert differing_tables(settings) == []


def test_a_moved_home_gets_views_that_lead_to_its_files(settings: Settings, tmp_path: Path) -> None:
    moved = read_settings(settings.home.rename(tmp_path / "elsewhere [1]"))
    assert publish(moved).version == 2
    assert differing_tables(moved) == []


def test_a_copy_of_the_home_that_followed_links_works(settings: Settings, tmp_path: Path) -> None:
    copied = read_settings(Path(shutil.copytree(settings.home, tmp_path / "copy")))
    link = copied.published_path / "current"
    assert link.is_dir() and not link.is_symlink()
    assert PublishedFolder(copied.published_path).current() == current(copied).parent / "1"
    add_empty_load(copied, 10)
    assert publish(copied).version == 2
    assert link.readlink() == Path("versions/2")


@pytest.mark.slow
def test_last_versions_are_kept(unpublished: Settings) -> None:
    for load_id in range(10, 14):
        add_empty_load(unpublished, load_id)
        summary = publish(unpublished, keep_versions=2)
    assert (summary.version, summary.removed) == (4, (2,))
    kept = sorted(path.name for path in (unpublished.published_path / "versions").iterdir())
    assert kept == ["3", "4"]


def test_ratings_of_the_site_are_published_without_a_load(settings: Settings) -> None:
    settings.catalog_path.mkdir()
    (settings.catalog_path / "expectations.csv").write_text(
        "data_model,event_type,path,required,rating,basis,source\n"
        "Device,*,Patient.Notes[],,Possible,documented,agreed with the sites\n"
    )
    summary = publish(settings)
    assert (summary.version, summary.is_new) == (2, True)
    with published(settings) as connection:
        rated = connection.execute(
            "select distinct rating, rating_basis, rating_source from quality.field_rating"
            " where data_model = 'Device' and path = 'Patient.Notes[]'"
        ).fetchall()
    assert rated == [("Possible", "site", "agreed with the sites")]
    assert not publish(settings).is_new


def test_organizations_of_the_site_are_published_without_a_load(settings: Settings) -> None:
    settings.organizations_path.write_text(
        "source_id,facility_code,organization\na,,North\n", "utf-8"
    )
    summary = publish(settings)
    assert (summary.version, summary.is_new) == (2, True)
    with published(settings) as connection:
        rows = connection.execute("select * from quality.organization").fetchall()
    assert rows == [("a", "", "North")]
    assert not publish(settings).is_new


def test_published_metadata_carries_no_input_file_names(tmp_path: Path) -> None:
    settings = make_published_home(tmp_path)
    with published(settings) as connection:
        described = connection.execute("describe core.landed_object").fetchall()
    assert "uri" not in {row[0] for row in described}


def test_cut_published_file_is_found_by_doctor_and_written_again(tmp_path: Path) -> None:
    settings = make_published_home(tmp_path)
    folder = PublishedFolder(settings.published_path).current()
    assert folder is not None
    file = next((folder / "core" / "message").glob("*.parquet"))
    file.chmod(0o600)
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    assert [one.state for one in check_published_files(settings, is_reading=False)] == ["fail"]
    file.write_bytes(content[:-9] + b"?" + content[-8:])
    assert [one.state for one in check_published_files(settings, is_reading=False)] == ["ok"]
    assert [one.state for one in check_published_files(settings, is_reading=True)] == ["fail"]
    file.write_bytes(content[:-1])
    assert publish(settings).is_new
    assert [one.state for one in check_published_files(settings, is_reading=True)] == ["ok"]
