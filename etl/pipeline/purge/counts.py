"""Takes what purged messages added to the counts out of them, in the purge's transaction.

Messages are read once more and what they add is subtracted; a slice without any message left loses
its counts. Values outside sets whose first message is purged get the first of those that stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from etl.pipeline.load import Loader
from etl.pipeline.purge.observe import count
from etl.warehouse.new_values import NEW_RULE, RULE, mark_new_values, recount
from etl.warehouse.slices import COUNT_TABLES
from models.tables.plan import SLICE_BITS

UNSUPPORTED = "quality.unsupported_value"
_GROUP = ("slice", "day", "source_id", "facility_code", "data_model", "event_type", "is_test")
_MEASURED = {
    "quality.message_count": (_GROUP, ("messages",)),
    "quality.path_count": ((*_GROUP, "path"), ("messages", "elements")),
    "quality.finding_count": ((*_GROUP, "load_id", "rule", "path"), ("findings", "messages")),
}
_VALUE_KEY = ("slice", "data_model", "path", "value")
_COUNTED_BY_LOAD = f"""
create or replace temp table counted_message as
select
    message.message_id,
    message.message_id >> {SLICE_BITS} as slice,
    greatest(message.load_id, coalesce(rewritten.load_id, 0)) as load_id
from purged_message
join core.message on message.message_id = purged_message.message_id
left join (
    select slice, max(load_id) as load_id
    from core.slice_change join core.load using (load_id)
    where kind = 'reload' group by slice
) as rewritten on rewritten.slice = message.message_id >> {SLICE_BITS}
"""


def subtract_counts(
    loader: Loader, connection: duckdb.DuckDBPyConnection
) -> tuple[set[int], list[tuple[int, str, str]]]:
    """Take the messages of the temporary table `purged_message` out of the counts.

    They must still be in the tables. Gives the slices they are in, and of which slice, data model
    and path `restore_first_values` must look for a value's first message again.
    """
    connection.execute(_COUNTED_BY_LOAD)
    slices = {row[0] for row in connection.execute("select slice from counted_message").fetchall()}
    empty = _forget_empty_slices(connection)
    for load_id in _loads(connection):
        condition = (
            "m.message_id in (select message_id from counted_message "
            f"where load_id = {load_id} and not list_contains({empty}::bigint[], slice))"
        )
        for name, tables in count(loader, connection, condition).items():
            for rows in tables:
                _subtract(connection, name, rows, load_id)
    return slices, _orphaned_values(connection)


def _loads(connection: duckdb.DuckDBPyConnection) -> list[int]:
    query = "select distinct load_id from counted_message order by 1"
    return [int(row[0]) for row in connection.execute(query).fetchall()]


def _forget_empty_slices(connection: duckdb.DuckDBPyConnection) -> list[int]:
    empty = [
        int(number)
        for (number,) in connection.execute(
            f"select slice from (select message_id >> {SLICE_BITS} as slice, count(*) as messages "
            "from core.message group by slice) join (select slice, count(*) as purged "
            "from counted_message group by slice) using (slice) where messages = purged"
        ).fetchall()
    ]
    for table in COUNT_TABLES:
        for number in empty:
            connection.execute(f"delete from {table} where slice = ?", [number])
    return empty


def _subtract(
    connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, load_id: int
) -> None:
    if name == UNSUPPORTED:
        _subtract_values(connection, rows)
        return
    key, measures = _MEASURED[name]
    if name == "quality.finding_count":
        rows = rows.append_column("load_id", pa.array([load_id] * rows.num_rows, pa.int64()))
    connection.register("taken_out", rows)
    same = " and ".join(f"own.{column} = {name.split('.')[1]}.{column}" for column in key)
    listing = ", ".join(key)
    connection.execute(
        "create or replace temp table own as select "
        f"{', '.join(f'cast({c} as {_type(connection, name, c)}) as {c}' for c in key)}, "
        f"{', '.join(f'sum({m}) as {m}' for m in measures)} from taken_out group by all"
    )
    connection.unregister("taken_out")
    rest = [c for c in _columns(connection, name) if c not in (*key, *measures)]
    connection.execute(
        f"create or replace temp table left_over as select {listing}, "
        f"{''.join(f'any_value({c}) as {c}, ' for c in rest)}"
        f"{', '.join(f'sum({m}) as {m}' for m in measures)} from ("
        f"select {listing}, {''.join(f'{c}, ' for c in rest)}{', '.join(measures)} from {name} "
        f"semi join own on {same} union all select {listing}, {''.join('null, ' for _ in rest)}"
        f"{', '.join(f'-{m}' for m in measures)} from own) group by all "
        f"having {' or '.join(f'sum({m}) > 0' for m in measures)}"
    )
    connection.execute(f"delete from {name} using own where {same}")
    connection.execute(f"insert into {name} by name select * from left_over")


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    return [row[0] for row in connection.execute(f"describe {name}").fetchall()]


def _type(connection: duckdb.DuckDBPyConnection, name: str, column: str) -> str:
    rows = connection.execute(f"describe {name}").fetchall()
    return next(str(row[1]) for row in rows if row[0] == column)


def _subtract_values(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    connection.register("taken_out", rows)
    same = " and ".join(f"unsupported_value.{c} = taken_out.{c}" for c in _VALUE_KEY)
    connection.execute(
        f"update {UNSUPPORTED} set findings = unsupported_value.findings - taken_out.findings "
        f"from taken_out where {same}"
    )
    connection.unregister("taken_out")
    connection.execute(f"delete from {UNSUPPORTED} where findings <= 0")


def _orphaned_values(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str, str]]:
    """Of which slice, data model and path a value has lost the message that held it first."""
    query = (
        f"select distinct slice, data_model, path from {UNSUPPORTED} "
        "semi join purged_message on purged_message.message_id = unsupported_value.first_message_id"
    )
    return connection.execute(query).fetchall()


def restore_first_values(
    loader: Loader,
    connection: duckdb.DuckDBPyConnection,
    orphaned: Sequence[tuple[int, str, str]],
    slices: set[int],
) -> set[int]:
    """Once the rows are deleted: find first messages again, mark them, count both rules again.

    Gives the slices in which something changed.
    """
    changed = set(slices)
    for number, data_model, path in orphaned:
        found = list(_values_of(loader, connection, number, data_model, path))
        connection.execute(
            f"delete from {UNSUPPORTED} where slice = ? and data_model = ? and path = ?",
            [number, data_model, path],
        )
        for rows in found:
            connection.register("found_again", rows)
            connection.execute(
                f"insert into {UNSUPPORTED} by name select * from found_again "
                "where slice = ? and data_model = ? and path = ?",
                [number, data_model, path],
            )
            connection.unregister("found_again")
    changed |= mark_new_values(connection, since=0)
    recount(connection, sorted(changed))
    return changed


def _values_of(
    loader: Loader,
    connection: duckdb.DuckDBPyConnection,
    number: int,
    data_model: str,
    path: str,
) -> Iterator[pa.Table]:
    """The values of a path outside its set, from all messages of the slice that have one."""
    query = (
        "select distinct message_id from quality.finding "
        f"where message_id >> {SLICE_BITS} = ? and data_model = ? and path = ? and rule in (?, ?)"
    )
    connection.execute(
        f"create or replace temp table with_value as {query}",
        [number, data_model, path, RULE, NEW_RULE],
    )
    condition = "m.message_id in (select message_id from with_value)"
    yield from count(loader, connection, condition).get(UNSUPPORTED, ())
