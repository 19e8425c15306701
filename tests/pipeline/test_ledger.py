"""The ledger's own questions: which content is known, which objects, which numbers come next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from etl.records import About
from etl.warehouse import ledger
from etl.warehouse.connection import open_warehouse
from etl.warehouse.ledger import LandedRow
from etl.warehouse.schema import Schema
from models.catalog import Catalog
from models.tables.plan import WarehousePlan

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HASHES = [bytes([number]) * 16 for number in range(1, 41)]


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory, catalog: Catalog, plan: WarehousePlan
) -> Iterator[duckdb.DuckDBPyConnection]:
    path: Path = tmp_path_factory.mktemp("ledger") / "warehouse.duckdb"
    with open_warehouse(path, read_only=False) as connection:
        Schema(catalog, plan).ensure(connection, ())
        yield connection


@pytest.fixture
def connection(opened: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables, in a transaction that is rolled back."""
    opened.execute("begin")
    yield opened
    opened.execute("rollback")


def object_row(name: str, purged_at: datetime | None = None) -> LandedRow:
    return LandedRow(name, f"{name}.ndjson", 10, 1, 0, 0, "", False, NOON, purged_at)


@pytest.mark.parametrize("known", [0, 1, 20, 40])
def test_exactly_the_purged_contents_are_found(
    connection: duckdb.DuckDBPyConnection, known: int
) -> None:
    stored = HASHES[40 - known :]  # the last ones, so that none at the end is forgotten
    for one in stored:
        connection.execute(
            "insert into core.purged_content by name select cast(? as uuid) as content_hash, "
            "1 as purge_id",
            [one.hex()],
        )
    assert ledger.purged_hashes(connection, b"".join(HASHES)) == set(stored)
    assert ledger.purged_hashes(connection, b"".join(HASHES[:1])) == set(stored) & {HASHES[0]}
    assert ledger.purged_hashes(connection, b"") == set()
    assert ledger.known_hashes(connection, b"".join(HASHES)) == set()


def test_an_object_is_on_record_once(connection: duckdb.DuckDBPyConnection) -> None:
    ledger.record_objects(connection, [object_row("a"), object_row("b", NOON)])
    ledger.record_objects(connection, [object_row("a"), object_row("c")])
    assert ledger.items_taken(connection) == {"a": 0, "b": 0, "c": 0}
    assert ledger.purged_objects(connection) == {"b"}


def test_objects_of_a_release_before_are_not_purged(connection: duckdb.DuckDBPyConnection) -> None:
    ledger.record_objects(connection, [object_row("a", NOON)])
    connection.execute("alter table core.landed_object drop column purged_at")
    assert ledger.purged_objects(connection) == frozenset()


def test_numbers_begin_at_one_and_only_rise(connection: duckdb.DuckDBPyConnection) -> None:
    assert ledger.next_load_id(connection) == 1
    assert ledger.next_message_id(connection) == 0
    for number in (7, 9):
        ledger.set_next_message_id(connection, number)
        assert ledger.next_message_id(connection) == number


def test_a_load_is_on_record_with_its_parts_and_its_quarantine(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    load = ledger.LoadRow(
        7, "load", NOON, bytes=30, received=3, replayed=0, loaded=1, duplicate=0, quarantined=2,
        catalog_hash="abc",
    )  # fmt: skip
    parts = [
        ledger.PartRow("a", 0, 2, loaded=1, duplicate=0, quarantined=1),
        ledger.PartRow("b", 4, 1, loaded=0, duplicate=0, quarantined=1),
    ]
    about = About("Results", "sender")
    quarantined = [
        ledger.QuarantineRow("a", 1, 10, 5, "invalid_json", NOON, about),
        ledger.QuarantineRow("b", 4, 0, 9, "truncated", None),
    ]
    for _ in range(2):
        ledger.record_load(connection, load, parts, quarantined, NOON)
    assert connection.execute(
        "select distinct load_id, object_id, first_item, item_count, loaded, quarantined "
        "from core.load_part order by object_id"
    ).fetchall() == [(7, "a", 0, 2, 1, 1), (7, "b", 4, 1, 0, 1)]
    assert connection.execute(
        "select quarantine_id, object_id, item, reason, data_model, source_id "
        "from core.quarantine order by quarantine_id"
    ).fetchall() == [
        (1, "a", 1, "invalid_json", "Results", "sender"),
        (2, "b", 4, "truncated", None, None),
        (3, "a", 1, "invalid_json", "Results", "sender"),
        (4, "b", 4, "truncated", None, None),
    ]
