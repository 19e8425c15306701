"""What a publication makes: the same rows in plain types, a new version only for a change."""

from __future__ import annotations

import errno
import json
import shutil
import stat
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from etl.errors import DiskFull, PermanentError, UsageFault
from etl.pipeline.publish import publish
from etl.report.views import sql_folder
from etl.settings import Settings, read_settings
from tests.pipeline.published_world import (
    FOR_READERS,
    NOON,
    add_empty_load,
    changing,
    current,
    differing_tables,
    files_of,
    make_published_home,
    published,
    published_home,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_published_home(tmp_path)


def test_every_table_is_published_with_the_same_rows(unpublished: Settings) -> None:
    summary = publish(unpublished, clock=lambda: NOON)
    assert (summary.version, summary.is_new) == (1, True)
    assert differing_tables(unpublished) == []
    with changing(unpublished) as connection:
        row = connection.execute(
            f"select count(*) from duckdb_tables() where not internal and {FOR_READERS}"
        ).fetchone()
    manifest = json.loads((current(unpublished) / "manifest.json").read_text("utf-8"))
    computed = [n for n in manifest["tables"] if n.startswith(("mart.", "evidence."))]
    assert row == (summary.tables - len(computed) - len(["quality.mart_check"]),)


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
                "select schema_name, table_name from duckdb_tables() where estimated_size = 0 "
                f"and {FOR_READERS}"
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


def test_nobody_else_can_read_what_is_published() -> None:
    settings = published_home()
    for path in [settings.published_path, *settings.published_path.rglob("*")]:
        assert path.is_symlink() or stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_materialized_file_stands_alone(unpublished: Settings, tmp_path: Path) -> None:
    summary = publish(unpublished, materialize=True)
    again = publish(unpublished, materialize=True)
    assert (again.materialized, again.is_new) == (summary.materialized, False)
    alone = Path(summary.materialized).rename(tmp_path / "alone.duckdb")
    with published(unpublished) as connection:
        expected = connection.execute("select count(*), max(event_at) from core.message").fetchone()
    unpublished.published_path.rename(tmp_path / "away")
    with duckdb.connect(str(alone), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        query = "select count(*), max(event_at) from core.message"
        assert connection.execute(query).fetchone() == expected
        assert connection.execute("select count(*) from quality.field_population").fetchone()


def test_materialize_needs_free_space(
    unpublished: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1})())
    with pytest.raises(DiskFull, match="free space"):
        publish(unpublished, materialize=True)
    assert publish(unpublished).version == 1


def _sql_folder(folder: Path) -> Path:
    """Schema mart of a copy of all views: what is compiled from the catalog reads some of them."""
    shutil.copytree(sql_folder(), folder / "sql")
    return folder / "sql" / "mart"


def test_views_of_analysts_compile_also_when_their_tables_do_not_exist_yet(
    unpublished: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = _sql_folder(tmp_path)
    header = "-- Orders and visits.\n-- grain: one row\n-- reads: {}\n"
    first = header.format("orders.message, device.message, mart.b")
    (sql / "a.sql").write_text(f"{first}select count(*) as n from orders.message, mart.b")
    (sql / "b.sql").write_text(header.format("device.message") + "select 1 as one")
    monkeypatch.setattr("etl.report.views.sql_folder", lambda: sql.parent)
    monkeypatch.setattr("etl.pipeline.reader_catalog.sql_folder", lambda: sql.parent)
    publish(unpublished)
    with published(unpublished) as connection:
        assert connection.execute("from mart.a").fetchall() == [(0,)]
        comment = "select comment from duckdb_views() where view_name = 'a'"
        assert connection.execute(comment).fetchone() == ("Orders and visits.",)


def test_a_view_that_does_not_compile_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = _sql_folder(tmp_path)
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
