"""A home of a handful of tables with every published type, published by the real writer in no time.

What `publish` does beside (marts, checks, the warehouse's own locks) has no part in a registration.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from etl.pipeline.delta import DeltaSummary, register_delta
from etl.publish.folders import VIEWS_FILE, PublishedFolder
from etl.publish.manifest import MANIFEST, Manifest, to_json
from etl.publish.parquet import Earlier, write_tables
from etl.publish.relations import read_relations
from etl.publish.state import read_state
from etl.publish.views import ReaderCatalog, fill_catalog, filling_database, parquet_of, point_to
from etl.settings import Settings, read_settings

SLICE = 1 << 18
_TABLES = """
create schema core; create schema quality; create schema orders; create schema claim;
create table core.message (
    message_id bigint not null, load_id bigint, object_id varchar, item integer, data_model varchar
);
create table core.load (load_id bigint not null, kind varchar, finished_at timestamptz);
create table core.warehouse (name varchar not null, value varchar);
create table core.slice_change (slice bigint, load_id bigint);
create table quality.field (table_schema varchar, data_model varchar);
create table orders.message (
    message_id bigint not null, patient varchar, total decimal(18, 4), birth_date date,
    event_at timestamptz, is_test boolean, weight double, small smallint, whole integer,
    huge hugeint, ordinals integer[], content uuid
);
create table orders.lines (message_id bigint not null, lines_ordinal integer not null, value varchar);
create table claim.message (message_id bigint not null, amount decimal(18, 4));
comment on table orders.message is 'One row per order';
comment on column orders.message.birth_date is 'Patient.Demographics.DOB; Safe Harbor: date';
insert into quality.field values ('orders', 'Order'), ('claim', 'Claim');
insert into core.warehouse values ('catalog_hash', 'abc');
"""
_MESSAGES = """
insert into core.message select id, $load, 'object', id, 'Order' from range($first, $last) r(id);
insert into orders.message select
    id, 'Patient ' || id, id / 7, date '0001-01-01' + (id % 40000)::integer,
    timestamptz '1899-12-31 23:59:59.123456+00' + to_days((id % 60000)::integer), id % 2 = 0, id / 3,
    id % 100, id % 1000, id * 100000000000000000000, [id % 5, 2], uuid()
from range($first, $last) r(id);
insert into orders.lines select id, n, 'line "' || id || '"' from range($first, $last) r(id), range(1, 3) s(n);
insert into core.slice_change select distinct id >> 18, $load from range($first, $last) r(id);
insert into core.load values ($load, 'load', timestamptz '2026-02-03 12:00:00+00' + to_days($load));
"""


class SmallHome:
    """One home, its warehouse in memory, and a folder of Delta tables beside it."""

    def __init__(self, folder: Path) -> None:
        self.settings: Settings = read_settings(folder / "home")
        self.lake = folder / "lake"
        self.folder = PublishedFolder(self.settings.published_path)
        self.warehouse = duckdb.connect()
        self.warehouse.execute("set timezone = 'UTC'")
        self.warehouse.execute(_TABLES)
        self._loads = 0

    def load(self, count: int, *, slice_number: int = 0) -> None:
        """Add messages at the end of a slice."""
        self._loads += 1
        first = slice_number * SLICE
        row = self.warehouse.execute(
            "select coalesce(max(message_id) + 1, $1) from core.message where message_id between $1 and $2",
            [first, first + SLICE - 1],
        ).fetchall()
        numbers = {"load": self._loads, "first": row[0][0], "last": row[0][0] + count}
        for statement in _MESSAGES.split(";\n")[:-1]:
            used = {name: value for name, value in numbers.items() if f"${name}" in statement}
            self.warehouse.execute(statement, used)

    def reload(self, slice_number: int, change: str) -> None:
        """Change a slice's rows as a reload does; `change` is an SQL statement."""
        self._loads += 1
        self.warehouse.execute(change)
        self.warehouse.execute("insert into core.load values ($1, 'reload', now())", [self._loads])
        self.warehouse.execute(
            "insert into core.slice_change values ($1, $2)", [slice_number, self._loads]
        )

    def publish(self) -> int:
        """Make a version of what the warehouse holds; gives its number."""
        self.folder.recover()
        latest = self.folder.latest()
        number = max(self.folder.numbers(), default=0) + 1
        earlier = Earlier(self.folder.folder_of(latest.version), latest.tables) if latest else None
        relations = read_relations(self.warehouse)
        state = read_state(self.warehouse, relations)
        with self.folder.building() as built:
            tables, _ = write_tables(self.warehouse, state, built, earlier=earlier, workers=2)
            catalog = ReaderCatalog(relations, (), (), ("test",))
            with (
                self.folder.standing_in(built, number) as place,
                filling_database(built / VIEWS_FILE) as connection,
            ):
                point_to(connection, place)
                fill_catalog(connection, catalog, parquet_of)
            manifest = Manifest(
                number, datetime.now(UTC).isoformat(), str(self.folder.folder_of(number)),
                state.catalog_hash, state.load_ids, "", (), tables,
            )  # fmt: skip
            (built / MANIFEST).write_text(to_json(manifest), "utf-8")
            self.folder.adopt(built, number)
        self.folder.make_current(number)
        return number

    def register(self, *, keep_hours: int | None = None) -> DeltaSummary:
        """Register the current version."""
        return register_delta(self.settings, str(self.lake), keep_hours=keep_hours)

    def delta(self, name: str, version: int | None = None) -> DeltaTable:
        """A Delta table, or an earlier state of it."""
        return DeltaTable(self.lake.joinpath(*name.split(".")), version=version)

    def names(self) -> list[str]:
        """The tables of the current version."""
        latest = self.folder.latest()
        assert latest is not None
        return sorted(latest.tables)

    def rows(self, name: str) -> pa.Table:
        """What a Delta table holds now."""
        return self.delta(name).to_pyarrow_dataset().to_table()

    def differing(self) -> list[str]:
        """Tables whose rows in Delta are not those of the current version, in the same number."""
        current = self.folder.current()
        with duckdb.connect(str(current / VIEWS_FILE), read_only=True) as connection:  # type: ignore[operator]
            connection.execute("set timezone = 'UTC'")
            return [name for name in self.names() if self._differs(connection, name)]

    def _differs(self, connection: duckdb.DuckDBPyConnection, name: str) -> bool:
        dataset = self.delta(name).to_pyarrow_dataset()  # noqa: F841
        query = f"""
            select count(*) from (from {name} except all from dataset)
            union all select count(*) from (from dataset except all from {name})
        """
        return connection.execute(query).fetchall() != [(0,), (0,)]
