"""The published version as analysts' tools read it: types, keys, SQL, and never blocked."""

from __future__ import annotations

import datetime as dt
import os
import threading
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.types import NullType

from etl.errors import UsageFault
from etl.pipeline.publish import publish
from etl.publish.sqlalchemy_tables import read_tables
from etl.queries.reading import open_for_reading
from etl.settings import Settings, read_settings
from tests.pipeline.published_world import (
    add_empty_load,
    changing,
    current,
    load_more,
    make_published_home,
    published,
    published_home,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_published_home(tmp_path)


def folder_of(table: str) -> Path:
    return current(published_home()) / table.replace(".", "/")


def test_pyarrow_reads_plain_types_from_all_tables() -> None:
    plain = {pa.string(), pa.int64(), pa.int32(), pa.float64(), pa.bool_(), pa.date32()}
    plain |= {pa.timestamp("us", tz="UTC"), pa.decimal128(18, 4)}
    root = current(published_home())
    for table in {path.parent for path in root.rglob("*.parquet")}:
        schema = ds.dataset(table).schema
        assert {field.type for field in schema} <= plain, table
    message = ds.dataset(root / "core" / "message").schema
    assert message.field("content_hash").type == pa.string()
    assert message.field("event_at").type == pa.timestamp("us", tz="UTC")
    unplaced = ds.dataset(root / "core" / "unplaced_value").schema
    assert unplaced.field("ordinals").type == pa.string()
    items = ds.dataset(root / "inventory" / "items").schema
    assert items.field("price").type == pa.decimal128(18, 4)
    assert items.field("items_ordinal").type == pa.int32()


def test_pandas_reads_times_in_utc_and_money_exactly() -> None:
    messages = pd.read_parquet(folder_of("core.message"))
    assert messages["event_at"].dtype == "datetime64[us, UTC]"
    assert messages["message_id"].dtype == "int64"
    items = pd.read_parquet(folder_of("inventory.items"))
    prices = items["price"].dropna()
    assert len(prices) and all(isinstance(price, Decimal) for price in prices)
    with changing(published_home()) as connection:
        row = connection.execute("select sum(price) from inventory.items").fetchone()
    assert row == (prices.sum(),)


def test_polars_reads_the_same() -> None:
    frame = pl.scan_parquet(folder_of("core.message") / "*.parquet").collect()
    assert frame.schema["event_at"] == pl.Datetime("us", "UTC")
    assert frame.schema["content_hash"] == pl.String
    joined = frame.join(pl.read_parquet(folder_of("device.message")), on="message_id")
    assert 0 < len(joined) < len(frame)
    assert pl.read_parquet(folder_of("inventory.items")).schema["price"] == pl.Decimal(18, 4)


def test_ordinals_are_text_that_joins_to_the_path() -> None:
    with published(published_home()) as connection:
        rows = connection.execute("select path, ordinals from quality.finding").fetchall()
    assert rows
    for path, ordinals in rows:
        assert len(ordinals.split(".") if ordinals else []) <= path.count("[]"), (path, ordinals)
    assert any("[]" in path and ordinals[0].isdigit() for path, ordinals in rows if ordinals)


def test_instants_and_dates_are_those_of_the_warehouse() -> None:
    query = "select min(event_at), max(event_at), count(event_at) from core.message"
    with changing(published_home()) as connection:
        stored = connection.execute(query).fetchone()
    with published(published_home()) as connection:
        assert connection.execute(query).fetchone() == stored
    assert stored is not None and isinstance(stored[0], dt.datetime)


@pytest.mark.parametrize("name", ["warehouse.duckdb", "tables.duckdb"])
def test_sqlalchemy_and_pandas_query_the_published_file(name: str) -> None:
    path = published_home().published_path / "current" / name
    engine = create_engine(f"duckdb:///{path}", connect_args={"read_only": True})
    query = text(
        "select m.event_type, count(*) as items, sum(i.price) as price from inventory.message m "
        "join inventory.items i using (message_id) where m.message_id >= :first group by all"
    )
    with engine.connect() as connection:
        rows = connection.execute(query, {"first": 0}).fetchall()
        frame = pd.read_sql(query, connection, params={"first": 0})
    engine.dispose()
    assert rows and sum(row.items for row in rows) == frame["items"].sum()


def test_sqlalchemy_tables_know_columns_types_and_comments() -> None:
    path = published_home().published_path / "current" / "warehouse.duckdb"
    engine = create_engine(f"duckdb:///{path}", connect_args={"read_only": True})
    with engine.connect() as connection:
        tables = read_tables(connection).tables
        items, message = tables["inventory.items"], tables["core.message"]
        listed = connection.execute(
            text("select schema_name || '.' || table_name, count(*) from duckdb_columns() where not "
                 "internal and database_name = current_database() group by all")
        ).all()  # fmt: skip
        assert {name: len(table.c) for name, table in tables.items()} == dict(listed)
        price = select(func.sum(items.c.price), func.max(message.c.event_at)).join_from(
            items, message, items.c.message_id == message.c.message_id
        )
        total, newest = connection.execute(price).one()
        by_hand = connection.execute(text("select sum(price) from inventory.items")).scalar_one()
        connection.execute(select(tables["quality.field_drift_possible"])).all()  # it has lists
    engine.dispose()
    assert isinstance(total, Decimal) and total == by_hand > 0
    assert isinstance(newest, dt.datetime)
    assert "Items[]" in items.c.price.comment and items.comment.startswith("One row per")
    assert any(name.startswith("mart.") and table.comment for name, table in tables.items())
    unknown = [c for table in tables.values() for c in table.c if isinstance(c.type, NullType)]
    assert unknown == []


def test_views_of_analysts_answer() -> None:
    with published(published_home()) as connection:
        row = connection.execute(
            "select count(*), sum(messages_populated) from quality.field_population"
        ).fetchone()
    assert row is not None and row[0] > 0 and row[1] > 0


def test_file_has_a_storage_version_that_older_drivers_open() -> None:
    with published(published_home()) as connection:
        row = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where not internal"
        ).fetchone()
    assert row is not None and row[0].startswith("v1.5.0")


def test_readers_keep_the_version_they_opened_while_a_new_one_appears(settings: Settings) -> None:
    count = "select count(*) from device.message"
    with open_for_reading(settings) as reader:
        before = reader.execute(count).fetchone()
        load_more(settings)
        assert publish(settings).version == 2
        assert reader.execute(count).fetchone() == before
        with open_for_reading(settings) as later:
            after = later.execute(count).fetchone()
    assert before is not None and after is not None and after[0] == before[0] + 10


@pytest.mark.slow
def test_current_always_leads_to_a_whole_version(settings: Settings) -> None:
    stop, faults = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            with open_for_reading(settings) as reader:
                row = reader.execute("select count(*) from core.message").fetchone()
            if row is None or row[0] < 80:
                faults.append(row)

    looking = threading.Thread(target=look)
    looking.start()
    for load_id in range(10, 13):
        add_empty_load(settings, load_id)
        publish(settings, keep_versions=2)
    stop.set()
    looking.join()
    assert faults == []


def test_readers_do_not_need_the_warehouse_file(settings: Settings) -> None:
    settings.warehouse_path.unlink()
    with open_for_reading(settings) as reader:
        assert reader.execute("select count(*) from core.load").fetchone() == (2,)


def test_before_the_first_version_the_warehouse_itself_is_read(unpublished: Settings) -> None:
    with open_for_reading(unpublished) as reader:
        row = reader.execute(
            "select content_hash, received_at from core.message order by message_id"
        ).fetchone()
        assert row is not None and isinstance(row[0], str)
        assert reader.execute("select count(*) from quality.field_verdict").fetchone()
        with pytest.raises(duckdb.Error):
            reader.execute("delete from source.core.message")


def test_with_nothing_to_read_it_says_what_to_do(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageFault, match="redox-warehouse load"),
        open_for_reading(read_settings(tmp_path / "nothing")),
    ):
        pass


def test_shared_files_are_hard_links(settings: Settings) -> None:
    load_more(settings)
    publish(settings)
    versions = settings.published_path / "versions"
    names = ["inventory/items/0.parquet", "inventory/items/1.parquet", "device/message/0.parquet"]
    for name in names:
        assert os.path.samefile(versions / "1" / name, versions / "2" / name)
    changed = "device/message/1.parquet"
    assert not os.path.samefile(versions / "1" / changed, versions / "2" / changed)


def test_views_of_the_next_version_are_a_copy_that_reads_its_own_files(settings: Settings) -> None:
    load_more(settings)
    publish(settings)
    query = "select count(*), core.published_folder() from device.message"
    comments = (
        "select table_name, column_name, comment from duckdb_columns() where comment is not null "
        "order by all"
    )
    answers, told = [], []
    for version in ("1", "2"):
        path = settings.published_path / "versions" / version / "warehouse.duckdb"
        with duckdb.connect(str(path), read_only=True) as connection:
            answers.append(connection.execute(query).fetchone())
            told.append(connection.execute(comments).fetchall())
    (first, first_folder), (second, second_folder) = answers
    assert second == first + 10
    assert (Path(first_folder).name, Path(second_folder).name) == ("1", "2")
    assert told[0] == told[1] != []


def test_two_versions_can_be_compared_in_one_connection(settings: Settings) -> None:
    load_more(settings)
    publish(settings)
    versions = settings.published_path / "versions"
    with duckdb.connect(str(versions / "2" / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute(f"attach '{versions / '1' / 'warehouse.duckdb'}' as before (read_only)")
        query = "from device.message anti join before.device.message using (message_id)"
        assert len(connection.execute(query).fetchall()) == 10


@pytest.mark.slow  # six versions
def test_views_do_not_grow_from_version_to_version(unpublished: Settings) -> None:
    sizes = []
    for load_id in range(10, 16):
        add_empty_load(unpublished, load_id)
        publish(unpublished)
        sizes.append((current(unpublished) / "warehouse.duckdb").stat().st_size)
    assert max(sizes[4:]) <= max(sizes[:4])
