"""The purge's one transaction in the warehouse: rows, counts, ledger, and what is to be overwritten.

After it the messages are gone from the tables, and `core.purged_item` says which landed bytes are
still to be overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from etl.pipeline.load import Loader
from etl.pipeline.purge.counts import restore_first_values, subtract_counts
from etl.pipeline.purge.request import PurgeRequest
from etl.pipeline.purge.select import TORN, Selected
from etl.pipeline.status import write_status
from etl.warehouse import ledger
from etl.warehouse.log_conflicts import recount_log_conflicts
from etl.warehouse.slices import record_slices
from models.tables.plan import SLICE_BITS

PURGE = "purge"
_FORGET_SEEN = """
update core.quarantine set data_model = null, source_id = null
from gone_item
where quarantine.object_id = gone_item.object_id and quarantine.item = gone_item.item
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What the transaction did."""

    purge_id: int
    table_rows: int


def apply(loader: Loader, request: PurgeRequest, selected: Selected, at: datetime) -> Applied:
    """Remove what was selected; the caller holds the write lock."""
    with loader.open() as connection:
        loader.prepare(connection)
        connection.execute("begin")
        load_id = ledger.next_load_id(connection)
        purge_id = _next_purge_id(connection)
        _register(connection, selected)
        log_ids = _shared_log_ids(connection)
        slices, orphaned = subtract_counts(loader, connection)
        _remember_content(connection, purge_id)
        removed = loader.remove_stored_rows(connection) + _delete_rows(connection)
        changed = restore_first_values(loader, connection, orphaned, slices)
        conflicting = _slices_with(connection, log_ids) | slices
        recount_log_conflicts(connection, sorted(conflicting))
        ledger.record_purged(connection, selected.erased, purge_id=purge_id, now=at)
        _forget_deliveries(connection, selected, load_id, at)
        record_slices(connection, changed | conflicting, load_id)
        _record(connection, loader, request, selected, load_id, purge_id, removed, at)
        loader.commit_purge(connection)
        write_status(connection, loader.settings, loader.clock())
    return Applied(purge_id, removed)


def _next_purge_id(connection: duckdb.DuckDBPyConnection) -> int:
    query = "select coalesce(max(purge_id), 0) + 1 from core.purge"
    return int(connection.execute(query).fetchall()[0][0])


def _register(connection: duckdb.DuckDBPyConnection, selected: Selected) -> None:
    connection.register("selected_messages", selected.messages)
    connection.execute(
        "create or replace temp table purged_message as select * from selected_messages"
    )
    connection.unregister("selected_messages")
    items = [(row.object_id, row.item) for row in selected.erased if row.item != TORN]
    table = pa.table(
        {
            "object_id": pa.array([object_id for object_id, _ in items], pa.string()),
            "item": pa.array([item for _, item in items], pa.int64()),
        }
    )
    connection.register("selected_items", table)
    connection.execute("create or replace temp table gone_item as select * from selected_items")
    connection.unregister("selected_items")


def _shared_log_ids(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = (
        "select distinct log_id from core.message join purged_message using (message_id) "
        "where log_id <> ''"
    )
    return [row[0] for row in connection.execute(query).fetchall()]


def _slices_with(connection: duckdb.DuckDBPyConnection, log_ids: Iterable[str]) -> set[int]:
    query = (
        f"select distinct message_id >> {SLICE_BITS} from core.message "
        "where log_id in (select unnest(?::varchar[]))"
    )
    return {int(row[0]) for row in connection.execute(query, [list(log_ids)]).fetchall()}


def _remember_content(connection: duckdb.DuckDBPyConnection, purge_id: int) -> None:
    connection.execute(
        "insert into core.purged_content select distinct cast(content_hash as uuid), ? "
        "from purged_message where content_hash is not null and cast(content_hash as uuid) "
        "not in (select content_hash from core.purged_content)",
        [purge_id],
    )


def _delete_rows(connection: duckdb.DuckDBPyConnection) -> int:
    """Delete from every table that has rows of messages, those of no catalog any more too."""
    removed = 0
    for table in _tables_of_messages(connection):
        rows = connection.execute(
            f"delete from {table} where message_id in (select message_id from purged_message)"
        ).fetchall()
        removed += int(rows[0][0])
    return removed


def _tables_of_messages(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    query = (
        "select schema_name || '.' || table_name from duckdb_columns() "
        "where column_name = 'message_id' and not internal "
        "and database_name = current_database() order by 1"
    )
    for (name,) in connection.execute(query).fetchall():
        yield name


def _forget_deliveries(
    connection: duckdb.DuckDBPyConnection, selected: Selected, load_id: int, at: datetime
) -> None:
    """Deliveries and quarantined items that are gone, and what was known of them."""
    connection.execute(
        "delete from core.duplicate_delivery where duplicate_of in "
        "(select message_id from purged_message)"
    )
    connection.execute(
        "update core.quarantine set state = 'purged', resolved_at = ?, resolved_load_id = ? "
        "where quarantine_id in (select unnest(?::bigint[]))",
        [at, load_id, list(selected.quarantine_ids)],
    )
    connection.execute(_FORGET_SEEN)
    connection.execute(
        "update core.landed_object set uri = '' where object_id in (select unnest(?::varchar[]))",
        [list(selected.named_objects)],
    )
    ledger.mark_wholly_purged(connection, at)


def _record(
    connection: duckdb.DuckDBPyConnection,
    loader: Loader,
    request: PurgeRequest,
    selected: Selected,
    load_id: int,
    purge_id: int,
    removed: int,
    at: datetime,
) -> None:
    """The purge's row in the ledger, which takes back, and its own record."""
    messages, duplicates = selected.messages.num_rows, len(selected.deliveries)
    quarantined = len(selected.quarantine_ids)
    row = ledger.LoadRow(
        load_id, PURGE, at, 0, 0, 0, -messages, -duplicates, -quarantined,
        loader.schema.catalog.content_hash, messages + duplicates + quarantined,
    )  # fmt: skip
    ledger.record_load(connection, row, [], [], loader.clock())
    connection.execute(
        "insert into core.purge values (?, ?, ?, ?, ?, null, ?, ?, ?, ?, ?, ?, ?)",
        [
            purge_id, load_id, request.selected_by, request.reason, at, messages, duplicates,
            quarantined, removed, selected.objects, selected.bytes, selected.in_place,
        ],
    )  # fmt: skip
