"""The Delta tables read alike through every engine: counts, sums, instants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from deltalake import QueryBuilder

from tests.delta.small_home import SmallHome

FACTS = """
    count(*) as row_count, count(distinct message_id) as messages, sum(total) as total,
    sum(whole) as whole, min(event_at) as first, max(event_at) as last, min(birth_date) as born,
    min(ordinals) as ordinals, max(patient) as patient
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """Two versions, with a slice that was reloaded in between."""
    home = SmallHome(tmp_path_factory.mktemp("read"))
    home.load(300)
    home.load(40, slice_number=1)
    home.publish()
    home.register()
    home.reload(0, "update orders.message set total = total + 1 where message_id < 100")
    home.load(10, slice_number=1)
    home.publish()
    home.register()
    return home


@pytest.fixture(scope="module")
def expected(home: SmallHome) -> dict[str, Any]:
    """What the published version says."""
    file = home.folder.folder_of(2) / "warehouse.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return rows(connection.execute(f"select {FACTS} from orders.message"))[0]


def rows(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_duckdb_over_the_dataset_of_deltalake(home: SmallHome, expected: dict[str, Any]) -> None:
    orders = home.delta("orders.message").to_pyarrow_dataset()  # noqa: F841
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        assert rows(connection.execute(f"select {FACTS} from orders")) == [expected]


def test_deltalake_itself(home: SmallHome, expected: dict[str, Any]) -> None:
    query = QueryBuilder().register("orders", home.delta("orders.message"))
    found = query.execute(
        "select count(*) as row_count, count(distinct message_id) as messages, "
        "sum(whole) as whole, min(birth_date) as born, max(patient) as patient from orders"
    ).read_all()
    for name in found.schema.names:
        assert found[name].to_pylist() == [expected[name]], name


def test_polars(home: SmallHome, expected: dict[str, Any]) -> None:
    found = (
        pl.scan_delta(str(home.lake / "orders" / "message"))
        .select(
            row_count=pl.len(),
            messages=pl.col("message_id").n_unique(),
            total=pl.col("total").sum(),
            first=pl.col("event_at").min(),
            last=pl.col("event_at").max(),
            born=pl.col("birth_date").min(),
        )
        .collect()
        .to_dicts()
    )
    assert found == [{name: expected[name] for name in found[0]}]


def test_an_earlier_state_reads_as_it_was(home: SmallHome) -> None:
    found = pl.scan_delta(str(home.lake / "orders" / "message"), version=0).select(pl.len())
    assert found.collect().item() == 340


@pytest.mark.spark
def test_spark_over_the_log(home: SmallHome, expected: dict[str, Any]) -> None:
    """Spark without Delta's jars: its SQL plays the log by the protocol and reads what is active."""
    from tests.delta.spark import spark_session

    with spark_session() as spark:
        folder = home.lake / "orders" / "message"
        log = spark.read.json(f"{folder}/_delta_log/*.json").selectExpr(
            "add", "remove", "cast(split(_metadata.file_name, '[.]')[0] as bigint) as version"
        )
        log.createOrReplaceTempView("log")
        active = spark.sql("""
            select path from (
                select coalesce(add.path, remove.path) as path,
                    max_by(add.path is not null, version) as is_active
                from log where add.path is not null or remove.path is not null group by all
            ) where is_active
        """).collect()
        files = [str(folder / row.path) for row in active]
        spark.read.parquet(*files).createOrReplaceTempView("orders")
        found = spark.sql(f"select {FACTS} from orders").collect()
        assert len(files) == 2
        assert found[0].asDict() == expected | {
            "first": expected["first"].replace(tzinfo=None),
            "last": expected["last"].replace(tzinfo=None),
        }


def test_names_of_files_need_no_encoding_in_the_log(home: SmallHome) -> None:
    for log in Path(home.lake).rglob("_delta_log/*.json"):
        assert "%" not in log.read_text("utf-8").split('"path":"')[-1].split('"')[0]
