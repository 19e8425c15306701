"""Counts messages that share a log id with an earlier message of other content.

Redelivered content is a duplicate and never gets here, so an equal log id means other content.
Info only: both are loaded.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from models.tables.plan import SLICE_BITS

RULE = "log_id_conflict"
PATH = "Meta.Logs[].ID"

_COUNT = f"""
insert into quality.finding_count by name
select
    message.message_id >> {SLICE_BITS} as slice,
    cast(coalesce(message.event_at, message.received_at, landed_object.landed_at) as date) as day,
    coalesce(message.source_id, '') as source_id,
    coalesce(message.facility_code, '') as facility_code,
    message.data_model,
    coalesce(message.event_type, '') as event_type,
    coalesce(message.is_test, false) as is_test,
    {{load_id}} as load_id,
    '{RULE}' as rule,
    '{PATH}' as path,
    'info' as severity,
    count(*) as findings,
    count(*) as messages
from core.message
join core.landed_object using (object_id)
{{rewritten}}
join (
    select log_id, min(message_id) as first_id
    from core.message
    where log_id in (
        select log_id from core.message where message_id >= $first and message_id < $stop
    )
    group by log_id
) earlier using (log_id)
where message.message_id >= $first and message.message_id < $stop
  and earlier.first_id < message.message_id
group by all
"""

_REWRITTEN = f"""
left join (
    select slice, max(load_id) as load_id
    from core.slice_change join core.load using (load_id)
    where kind = 'reload' group by slice
) as rewritten on rewritten.slice = message.message_id >> {SLICE_BITS}
"""


def recount_log_conflicts(connection: duckdb.DuckDBPyConnection, slices: Iterable[int]) -> None:
    """Count the conflicts of these slices again, each by the load that found it."""
    load_id = "greatest(message.load_id, coalesce(rewritten.load_id, 0))"
    query = _COUNT.format(load_id=load_id, rewritten=_REWRITTEN)
    for number in slices:
        connection.execute(
            "delete from quality.finding_count where slice = ? and rule = ?", [number, RULE]
        )
        connection.execute(
            query, {"first": number << SLICE_BITS, "stop": (number + 1) << SLICE_BITS}
        )


def count_log_conflicts(
    connection: duckdb.DuckDBPyConnection, first: int, stop: int, load_id: int
) -> None:
    """Count conflicts of messages first <= message_id < stop."""
    query = _COUNT.format(load_id="$load_id", rewritten="")
    connection.execute(query, {"first": first, "stop": stop, "load_id": load_id})
