"""Tells a value that was never seen in its field from one that was, among values outside a set.

Of all findings of one value in one field, the very first (by message_id, then place) has the rule
`value_not_supported_new`. Message ids are permanent, so the same messages give the same marks
however often they are reloaded.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from models.tables.plan import SLICE_BITS

RULE = "value_not_supported"
NEW_RULE = "value_not_supported_new"
TABLE = "quality.unsupported_value"

_FIRST = """
create or replace temp table first_value as
select
    message_id,
    path,
    ordinals
from (
    select
        data_model,
        path,
        min(first_message_id) as message_id,
        arg_min(first_ordinals, first_message_id) as ordinals
    from quality.unsupported_value
    group by data_model, path, value
)
where message_id >= $since
"""
_WRONG = f"""
create or replace temp table wrong_mark as
select
    finding.message_id,
    finding.load_id,
    finding.path,
    finding.ordinals,
    case when first_value.message_id is null then '{RULE}' else '{NEW_RULE}' end as rule
from quality.finding
left join first_value using (message_id, path, ordinals)
where finding.message_id >= $since
  and finding.rule in ('{RULE}', '{NEW_RULE}')
  and (first_value.message_id is null) = (finding.rule = '{NEW_RULE}')
"""
_MARK = f"""
update quality.finding
set rule = wrong_mark.rule
from wrong_mark
where finding.message_id = wrong_mark.message_id
  and finding.path = wrong_mark.path
  and finding.ordinals = wrong_mark.ordinals
  and finding.rule in ('{RULE}', '{NEW_RULE}')
"""
_FORGET = f"""
delete from quality.finding_count
using (select distinct message_id >> {SLICE_BITS} as slice, load_id from wrong_mark) as changed
where finding_count.slice = changed.slice
  and finding_count.load_id = changed.load_id
  and finding_count.rule in ('{RULE}', '{NEW_RULE}')
"""
_COUNTED = f"""
insert into quality.finding_count by name
select
    finding.message_id >> {SLICE_BITS} as slice,
    finding.load_id,
    finding.day,
    finding.source_id,
    coalesce(message.facility_code, '') as facility_code,
    finding.data_model,
    finding.event_type,
    coalesce(message.is_test, false) as is_test,
    finding.rule,
    finding.path,
    finding.severity,
    count(*) as findings,
    count(distinct finding.message_id) as messages
from quality.finding
join core.message using (message_id)
{{changed}}
where finding.rule in ('{RULE}', '{NEW_RULE}')
  and finding.message_id >= $since
  and finding.message_id < $until
group by all
"""
_COUNT = _COUNTED.format(
    changed=f"""
semi join (select distinct message_id >> {SLICE_BITS} as slice, load_id from wrong_mark) as changed
    on changed.slice = finding.message_id >> {SLICE_BITS} and changed.load_id = finding.load_id
"""
)
_FORGET_SLICE = f"""
delete from quality.finding_count where slice = ? and rule in ('{RULE}', '{NEW_RULE}')
"""
_END = 2**63 - 1


def recount(connection: duckdb.DuckDBPyConnection, slices: Iterable[int]) -> None:
    """Count the findings of both rules again in these slices, from the findings that are there."""
    for number in slices:
        span = {"since": number << SLICE_BITS, "until": (number + 1) << SLICE_BITS}
        connection.execute(_FORGET_SLICE, [number])
        connection.execute(_COUNTED.format(changed=""), span)


def mark_new_values(connection: duckdb.DuckDBPyConnection, *, since: int) -> set[int]:
    """Mark the first finding of each value among messages from `since` on; counts follow.

    Gives the slices in which a mark changed. A load looks at its own messages (no earlier first
    can change by it), a reload at all.
    """
    connection.execute(_FIRST, {"since": since})
    connection.execute(_WRONG, {"since": since})
    rows = connection.execute(
        f"select distinct message_id >> {SLICE_BITS} from wrong_mark"
    ).fetchall()
    if rows:
        connection.execute(_MARK)
        connection.execute(_FORGET)
        since = min(row[0] for row in rows) << SLICE_BITS
        connection.execute(_COUNT, {"since": since, "until": _END})
    return {int(row[0]) for row in rows}
