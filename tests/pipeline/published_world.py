"""A small loaded home of two slices to publish from, made once and copied for each test.

Three small data models with money, arrays in arrays, misfits, extensions and quarantine; `load_more`
adds messages of one of them. What only looks at a version takes `published_home`; what changes the
home after its first version takes `make_published_home`, which spares that publication.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb

from etl.pipeline.load import load_paths
from etl.pipeline.publish import publish
from etl.publish.folders import TABLES_FILE, VIEWS_FILE, PublishedFolder
from etl.publish.manifest import MANIFEST
from etl.publish.views import filling_database, point_to
from etl.settings import Settings, read_settings
from etl.synth import Dials
from etl.synth.dials import FAULTS, Shares
from tests.synthetic import synthetic_messages

MODELS = ("Inventory", "Device", "SSO")
SLICE = 1 << 18
FOR_READERS = "table_name not in ('duplicate_delivery', 'purged_item', 'purged_content')"
"""What only a purge needs to know is not published."""
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
_FAULTY = Shares(**dict.fromkeys(FAULTS, 0.1))


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="publishing-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = read_settings(folder / "home")
    _load(settings, folder / "first", Dials(messages=60, data_models=MODELS, shares=_FAULTY))
    _begin_slice(settings, 1)
    _load(settings, folder / "second", Dials(messages=30, data_models=MODELS, seed=2))
    return settings.home


def make_home(folder: Path) -> Settings:
    """The settings of a fresh copy of the loaded home below a folder."""
    shutil.copytree(_template(), folder / "home")
    return read_settings(folder / "home")


@cache
def published_home() -> Settings:
    """A published home that all tests share and none may change.

    Made as a program does that uses the library and lets others read what it writes.
    """
    folder = Path(tempfile.mkdtemp(prefix="published-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = make_home(folder)
    umask = os.umask(0)
    try:
        publish(settings, clock=lambda: NOON, materialize=True)
    finally:
        os.umask(umask)
    return settings


def make_published_home(folder: Path) -> Settings:
    """The settings of a fresh copy of the published home, as if it had been published there."""
    shutil.copytree(published_home().home, folder / "home", symlinks=True)
    settings = read_settings(folder / "home")
    version = current(settings)
    with _writable(version / MANIFEST) as path:
        manifest = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(manifest | {"folder": str(version)}), "utf-8")
    (version / TABLES_FILE).unlink()
    with _writable(version / VIEWS_FILE) as path, filling_database(path) as connection:
        point_to(connection, version)
    return settings


@contextmanager
def _writable(path: Path) -> Iterator[Path]:
    path.chmod(0o600)
    yield path
    path.chmod(0o400)


def load_more(settings: Settings, *, data_model: str = "Device", seed: int = 3) -> None:
    """Load ten more messages of one data model; they stand in the last slice."""
    dials = Dials(messages=10, data_models=(data_model,), seed=seed)
    _load(settings, settings.home.parent / f"more-{data_model}-{seed}", dials)


def _load(settings: Settings, folder: Path, dials: Dials) -> None:
    folder.mkdir()
    (folder / "messages.ndjson").write_bytes(synthetic_messages(dials))
    load_paths(settings, [str(folder)])


def _begin_slice(settings: Settings, number: int) -> None:
    """Let the next message stand in this slice, as if the slices before were full."""
    with changing(settings) as connection:
        connection.execute(
            "update core.warehouse set value = ? where name = 'next_message_id'",
            [str(number * SLICE)],
        )


def add_empty_load(settings: Settings, load_id: int) -> None:
    """The smallest change there is: one more row in the ledger."""
    with changing(settings) as connection:
        connection.execute("insert into core.load (load_id, kind) values (?, 'load')", [load_id])


def note_rewritten(settings: Settings, slice_number: int) -> None:
    """Leave the ledger as a reload of one slice leaves it."""
    with changing(settings) as connection:
        connection.execute(
            "insert into core.load (load_id, kind) select max(load_id) + 1, 'reload' from core.load"
        )
        connection.execute(
            "insert into core.slice_change select ?, max(load_id) from core.load", [slice_number]
        )


@contextmanager
def changing(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, open for changes."""
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


@contextmanager
def published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The current published views."""
    with duckdb.connect(str(current(settings) / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def current(settings: Settings) -> Path:
    """The real folder of the current version."""
    folder = PublishedFolder(settings.published_path).current()
    assert folder is not None
    return folder


def files_of(folder: Path) -> dict[str, int]:
    """Every Parquet file of a version, with its inode."""
    return {str(path.relative_to(folder)): path.stat().st_ino for path in folder.rglob("*.parquet")}


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of every table or view."""
    names = connection.execute(
        "select distinct schema_name || '.' || table_name from duckdb_columns() "
        "where not internal and database_name = current_database()"
    ).fetchall()
    counts = {}
    for (name,) in names:
        row = connection.execute(f"select count(*) from {name}").fetchone()
        counts[name] = row[0] if row else 0
    return counts


def differing_tables(settings: Settings) -> list[str]:
    """Tables of the warehouse whose published rows are not the same, in the same number.

    Names of input files are not published.
    """
    folder = current(settings)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach '{settings.warehouse_path}' as stored (read_only)")
        connection.execute(f"attach '{folder / 'warehouse.duckdb'}' as told (read_only)")
        tables = connection.execute(
            "select schema_name || '.' || table_name, "
            "string_agg(case data_type when 'UUID' then 'cast(' || column_name || ' as varchar)' "
            "when 'INTEGER[]' then 'array_to_string(' || column_name || ', ''.'')' "
            "else column_name end, ', ' order by column_index), "
            "string_agg(column_name, ', ' order by column_index) "
            "from duckdb_columns() where database_name = 'stored' and not internal "
            "and not (table_name = 'landed_object' and column_name = 'uri') "
            f"and {FOR_READERS} group by all"
        ).fetchall()
        assert tables
        return [name for name, stored, told in tables if _differs(connection, name, stored, told)]


def _differs(connection: duckdb.DuckDBPyConnection, name: str, stored: str, told: str) -> bool:
    left = f"select {stored} from stored.{name}"
    right = f"select {told} from told.{name}"
    query = (
        f"select count(*) from (({left}) except all ({right})) union all "
        f"select count(*) from (({right}) except all ({left}))"
    )
    return any(count for (count,) in connection.execute(query).fetchall())
