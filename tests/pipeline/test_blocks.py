"""The blocks of the warehouse's file: small, so that a thousand tables of few rows need little room."""

from pathlib import Path

import duckdb

from etl.settings import Settings
from etl.warehouse.connection import BLOCK_BYTES
from tests.pipeline.small_messages import ask, load, make_message

DUCKDB_BLOCK_BYTES = 256 * 2**10
SIZE = "select block_size from pragma_database_size() where database_name = current_database()"


def test_a_new_warehouse_has_small_blocks(settings: Settings) -> None:
    load(settings, "one", [make_message("1")])
    load(settings, "two", [make_message("2")])

    assert ask(settings, SIZE) == [(BLOCK_BYTES,)]


def test_a_warehouse_with_other_blocks_is_loaded_into_as_it_is(settings: Settings) -> None:
    load(settings, "one", [make_message("1")])
    _copy_with_other_blocks(settings.warehouse_path)

    load(settings, "two", [make_message("2")])

    assert ask(settings, SIZE) == [(DUCKDB_BLOCK_BYTES,)]
    assert ask(settings, "select count(*) from core.message") == [(2,)]


def _copy_with_other_blocks(warehouse: Path) -> None:
    copy = warehouse.with_suffix(".copy")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse}' as old (read_only)")
        connection.execute(f"attach '{copy}' as new (block_size {DUCKDB_BLOCK_BYTES})")
        connection.execute("copy from database old to new")
    copy.replace(warehouse)
