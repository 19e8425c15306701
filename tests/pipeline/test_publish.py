"""What a publication makes: the same rows in plain types, a new version only for a change."""

from __future__ import annotations

import errno
import json
import stat
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from etl.errors import DiskFull, PermanentError, UsageFault
from etl.pipeline.publish import publish
from etl.settings import Settings, read_settings
from tests.pipeline.published_world import (
    NOON,
    add_empty_load,
    changing,
    current,
    differing_tables,
    files_of,
    load_more,
    make_home,
    note_rewritten,
    published,
    published_home,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_home(tmp_path)


def changed_files(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name, inode in after.items() if before.get(name) != inode}


def test_every_table_is_published_with_the_same_rows(settings: Settings) -> None:
    summary = publish(settings, clock=lambda: NOON)
    assert (summary.version, summary.is_new) == (1, True)
    assert differing_tables(settings) == []
    with changing(settings) as connection:
        row = connection.execute(
            "select count(*) from duckdb_tables() where not internal"
        ).fetchone()
    assert row == (summary.tables,)


def test_slices_are_files_of_their_own_sorted_by_key() -> None:
    settings = published_home()
    folder = current(settings) / "core" / "message_logs"
    assert sorted(path.name for path in folder.iterdir()) == ["0.parquet", "1.parquet"]
    for path in folder.iterdir():
        keys = pq.read_table(path, columns=["message_id", "logs_ordinal"]).to_pylist()
        assert keys == sorted(keys, key=lambda row: (row["message_id"], row["logs_ordinal"]))
        assert {row["message_id"] >> 18 for row in keys} == {int(path.stem)}
        assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"


def test_files_of_one_table_have_one_schema_with_every_column_optional() -> None:
    settings = published_home()
    folder = current(settings)
    for table in {path.parent for path in folder.rglob("*.parquet")}:
        schemas = [pq.read_schema(path).remove_metadata() for path in table.iterdir()]
        assert all(schema == schemas[0] for schema in schemas), table
        assert all(field.nullable for field in schemas[0]), table


def test_a_table_without_rows_has_one_file_with_its_schema() -> None:
    settings = published_home()
    with changing(settings) as connection:
        names = [
            f"{schema}/{table}"
            for schema, table in connection.execute(
                "select schema_name, table_name from duckdb_tables() where estimated_size = 0"
            ).fetchall()
        ]
    assert names
    for name in names:
        (file,) = (current(settings) / name).iterdir()
        table = pq.read_table(file)
        assert (file.name, table.num_rows) == ("empty.parquet", 0)
        assert table.num_columns > 0


def test_comments_and_keys_come_along() -> None:
    settings = published_home()
    query = (
        "select column_name, comment from duckdb_columns() where schema_name = 'inventory' "
        "and table_name = 'items_identifiers' order by column_index"
    )
    with changing(settings) as connection:
        stored = connection.execute(query).fetchall()
    with published(settings) as connection:
        assert connection.execute(query).fetchall() == stored
        row = connection.execute(
            "select comment from duckdb_views() where schema_name = 'inventory' "
            "and view_name = 'items_identifiers'"
        ).fetchone()
    assert row is not None and "key message_id, items_ordinal, identifiers_ordinal" in row[0]
    manifest = json.loads((current(settings) / "manifest.json").read_text("utf-8"))
    key = manifest["tables"]["inventory.items_identifiers"]["key"]
    assert key == ["message_id", "items_ordinal", "identifiers_ordinal"]


def test_manifest_tells_files_rows_bytes_and_loads() -> None:
    settings = published_home()
    folder = current(settings)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["created_at"] == NOON.isoformat()
    assert manifest["load_ids"] == {"first": 1, "last": 2, "count": 2}
    listed = {
        file["file"]: (file["rows"], file["bytes"])
        for table in manifest["tables"].values()
        for file in table["files"]
        if file["file"]
    }
    on_disk = {
        name: (pq.read_metadata(folder / name).num_rows, (folder / name).stat().st_size)
        for name in files_of(folder)
    }
    assert listed == on_disk
    assert manifest["rows"] == sum(rows for rows, _ in on_disk.values())


def test_unchanged_makes_no_new_version(settings: Settings) -> None:
    publish(settings)
    summary = publish(settings)
    assert (summary.version, summary.is_new, summary.files_written) == (1, False, 0)
    assert [path.name for path in (settings.published_path / "versions").iterdir()] == ["1"]


def test_a_load_rewrites_only_the_slice_and_data_model_it_touched(settings: Settings) -> None:
    publish(settings)
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


def test_a_slice_noted_as_rewritten_is_published_anew(settings: Settings) -> None:
    """A reload keeps message ids and the load that first stored them."""
    publish(settings)
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
    publish(settings)
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
    publish(settings)
    before = files_of(current(settings))
    with changing(settings) as connection:
        connection.execute("alter table device.message add column serial_no varchar")
    assert publish(settings).is_new
    after = files_of(current(settings))
    changed = {name.rpartition("/")[0] for name in changed_files(before, after)}
    assert changed == {"device/message"}
    with published(settings) as connection:
        row = connection.execute("select count(*), count(serial_no) from device.message").fetchone()
    assert row is not None and row[0] > 0 and row[1] == 0


def test_a_damaged_file_is_not_shared(settings: Settings) -> None:
    publish(settings)
    victim = current(settings) / "device" / "message" / "0.parquet"
    victim.chmod(0o600)
    victim.write_bytes(victim.read_bytes()[:-7])
    assert publish(settings).is_new
    assert differing_tables(settings) == []


def test_a_moved_home_gets_views_that_lead_to_its_files(settings: Settings, tmp_path: Path) -> None:
    publish(settings)
    moved = read_settings(settings.home.rename(tmp_path / "elsewhere [1]"))
    assert publish(moved).version == 2
    assert differing_tables(moved) == []


def test_last_versions_are_kept(settings: Settings) -> None:
    for load_id in range(10, 14):
        add_empty_load(settings, load_id)
        summary = publish(settings, keep_versions=2)
    assert (summary.version, summary.removed) == (4, (2,))
    kept = sorted(path.name for path in (settings.published_path / "versions").iterdir())
    assert kept == ["3", "4"]


def test_nobody_else_can_read_what_is_published() -> None:
    settings = published_home()
    for path in [settings.published_path, *settings.published_path.rglob("*")]:
        assert path.is_symlink() or stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_materialized_file_stands_alone(settings: Settings, tmp_path: Path) -> None:
    summary = publish(settings, materialize=True)
    again = publish(settings, materialize=True)
    assert (again.materialized, again.is_new) == (summary.materialized, False)
    alone = Path(summary.materialized).rename(tmp_path / "alone.duckdb")
    with published(settings) as connection:
        expected = connection.execute("select count(*), max(event_at) from core.message").fetchone()
    settings.published_path.rename(tmp_path / "away")
    with duckdb.connect(str(alone), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        query = "select count(*), max(event_at) from core.message"
        assert connection.execute(query).fetchone() == expected
        assert connection.execute("select count(*) from quality.field_population").fetchone()


def test_materialize_needs_free_space(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1})())
    with pytest.raises(DiskFull, match="free space"):
        publish(settings, materialize=True)
    assert publish(settings).version == 1


def test_views_of_analysts_compile_also_when_their_tables_do_not_exist_yet(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = tmp_path / "sql" / "mart"
    sql.mkdir(parents=True)
    header = "-- Orders and visits.\n-- grain: one row\n-- reads: {}\n"
    first = header.format("orders.message, device.message, mart.b")
    (sql / "a.sql").write_text(f"{first}select count(*) as n from orders.message, mart.b")
    (sql / "b.sql").write_text(header.format("device.message") + "select 1 as one")
    monkeypatch.setattr("etl.report.views.sql_folder", lambda: sql.parent)
    monkeypatch.setattr("etl.pipeline.reader_catalog.sql_folder", lambda: sql.parent)
    publish(settings)
    with published(settings) as connection:
        assert connection.execute("from mart.a").fetchall() == [(0,)]
        comment = "select comment from duckdb_views() where view_name = 'a'"
        assert connection.execute(comment).fetchone() == ("Orders and visits.",)


def test_a_view_that_does_not_compile_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings)
    sql = tmp_path / "sql" / "mart"
    sql.mkdir(parents=True)
    (sql / "wrong.sql").write_text("select no_such_column from core.message")
    monkeypatch.setattr("etl.report.views.sql_folder", lambda: sql.parent)
    monkeypatch.setattr("etl.pipeline.reader_catalog.sql_folder", lambda: sql.parent)
    with pytest.raises(PermanentError, match=r"mart\.wrong does not compile .*no_such_column"):
        publish(settings)
    assert current(settings).name == "1"
    assert sorted(path.name for path in settings.published_path.iterdir()) == [
        "current", "publish.lock", "versions",
    ]  # fmt: skip


def test_a_full_disk_is_told_and_leaves_readers_what_they_had(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings)
    add_empty_load(settings, 10)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("etl.publish.folders.sync_files", full)
    with pytest.raises(DiskFull):
        publish(settings)
    assert current(settings).name == "1"
    assert not (settings.published_path / ".building").exists()


def test_without_a_warehouse_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="redox-warehouse load"):
        publish(read_settings(tmp_path / "nothing"))
