"""Reads from the views of schema `quality` what a report or the terminal tells.

Works on any connection that has the views, read-only ones too: what is looked at twice goes to
temporary tables. How it is shown is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from etl.errors import PermanentError
from etl.report.found import read_findings
from etl.report.records import Facts, ReportOptions, Scope
from etl.report.source_names import read_source_names

MOST_SERIES = 30_000
"""Fields whose days are read; the report has room for fewer unless they are filled everywhere."""

_FEEDS = """
create or replace temp table report_feed as
with day_messages as (
  select
    source_id,
    data_model,
    event_type,
    is_test,
    day,
    sum(messages)::bigint as messages
  from quality.message_count
  where (data_model = $data_model or $data_model = '')
    and ($source_id in ('', source_id) or list_contains($named_ids::varchar[], source_id))
    and (event_type = $event_type or $event_type = '')
    and (not is_test or $shows_test)
    and day >= (select first_day from quality.count_period)
  group by source_id, data_model, event_type, is_test, day
),

period as (
  select last_day - $max_days::integer as before from quality.count_period
)

select
  (row_number() over (order by source_id, is_test, data_model, event_type) - 1)::integer as feed,
  source_id,
  data_model,
  event_type,
  is_test,
  sum(messages)::bigint as messages,
  coalesce(list(day order by day) filter (where is_shown), []) as days,
  coalesce(list(messages order by day) filter (where is_shown), []) as day_messages
from (
  select
    day_messages.*,
    day > period.before
      and day <= (select last_day from quality.count_period) as is_shown
  from day_messages
  cross join period
)
group by source_id, data_model, event_type, is_test
"""

_FIELDS = """
create or replace temp table report_field as
select
  feed.feed,
  verdict.* exclude (source_id, data_model, event_type, is_test)
from quality.field_verdict as verdict
inner join report_feed as feed
  on feed.source_id = verdict.source_id
  and feed.data_model = verdict.data_model
  and feed.event_type = verdict.event_type
  and feed.is_test = verdict.is_test
"""

_KEPT = """
create or replace temp table report_kept as
select feed, path
from report_field
where rating is not null or messages_populated > 0
qualify rating is not null
  or row_number() over (
    order by rating is not null desc, messages_populated desc, path, feed
  ) <= $max_rows
"""
_IS_KEPT = """
exists (
  from report_kept as kept
  where kept.feed = report_field.feed and kept.path = report_field.path
)
"""
_LEFT_OUT = f"""
select feed, verdict, count(*)
from report_field
where not {_IS_KEPT}
group by feed, verdict
order by feed, verdict
"""

# worst first: what fails a check, then verdicts as Verdict lists them, then the smaller margin
WORST_FIRST = """
  not fails_check,
  case verdict
    when 'below' then 0
    when 'above' then 1
    when 'not_listed_for_event' then 2
    when 'not_enough_messages' then 3
    when 'met' then 4
    else 5
  end,
  is_inferred,
  margin nulls last,
  messages_populated desc,
  path,
  feed
"""

# Whose days are read: of too many, first what changed, then what is rated, then what is most filled.
# Integers stand for the keys, which is several times faster over the counts of millions of messages.
_CHOSEN = f"""
create or replace temp table report_series as
select
  (row_number() over ())::integer as series_id,
  report_field.feed,
  feed.source_id,
  feed.data_model,
  feed.event_type,
  feed.is_test,
  report_field.path
from report_field
inner join report_feed as feed
  on feed.feed = report_field.feed
left join (select distinct feed, path from report_change) as change
  on change.feed = report_field.feed
  and change.path = report_field.path
where report_field.messages_populated > 0
  and len(feed.days) > 0
  and ($keeps_all or {_IS_KEPT})
order by
  change.path is null,
  report_field.rating is null,
  report_field.messages_populated desc,
  report_field.path,
  report_field.feed
limit {MOST_SERIES}
"""
# A row per series first: rows of one series then follow each other, which adds up several times faster.
_SERIES = """
with gathered as (
  select
    series.series_id,
    list(path_count.day) as days,
    list(path_count.messages) as populated
  from quality.path_count
  inner join report_series as series
    on series.source_id = path_count.source_id
    and series.data_model = path_count.data_model
    and series.event_type = path_count.event_type
    and series.is_test = path_count.is_test
    and series.path = path_count.path
  where path_count.day >= (select min(day) from (select unnest(days) as day from report_feed))
  group by series.series_id
),

filled_day as (
  select
    series_id,
    day,
    sum(populated)::bigint as populated
  from (
    select series_id, unnest(days) as day, unnest(populated) as populated
    from gathered
  )
  group by series_id, day
),

listed as (
  select
    series_id,
    list(day order by day) as days,
    list(populated order by day) as populated
  from filled_day
  where populated > 0
  group by series_id
)

select
  series.feed,
  series.path,
  coalesce(listed.days, []) as days,
  coalesce(listed.populated, []) as populated
from report_series as series
left join listed
  on listed.series_id = series.series_id
"""

_CHANGES = """
create or replace temp table report_change as
select
  feed.feed,
  change.*
from quality.field_drift as change
inner join report_feed as feed
  on feed.source_id = change.source_id
  and feed.data_model = change.data_model
  and feed.event_type = change.event_type
  and feed.is_test = change.is_test
"""
_CHANGED = """
select * from report_change
order by day desc, abs(recent_rate - past_rate) desc, path, feed
"""

_SILENCES = """
select silence.*
from quality.source_silence as silence
where ($data_model = '' or silence.data_model in ('*', $data_model))
  and exists (
    select 1
    from report_feed as feed
    where feed.source_id = silence.source_id and feed.is_test = silence.is_test
  )
order by silence.silent_days desc, silence.source_id, silence.data_model
"""

_PLACES = """
select
  data_model,
  path,
  min(concat_ws('.', table_schema, table_name, nullif(column_name, '')))
from quality.field
group by data_model, path
"""


def read_facts(connection: duckdb.DuckDBPyConnection, options: ReportOptions) -> Facts:
    """Everything a report tells of the messages that `options` choose."""
    scope = _read_scope(connection, options)
    chosen = {
        "data_model": options.data_model,
        "source_id": options.source_id,
        "event_type": options.event_type,
        "shows_test": scope.shows_test,
    }
    names = read_source_names(connection)
    named_ids = _ids_of(options.source_id, names, connection)
    connection.execute(_FEEDS, {**chosen, "max_days": options.max_days, "named_ids": named_ids})
    connection.execute(_FIELDS)
    kept, left_out = _rows_to_keep(connection, options.max_rows)
    connection.execute(_CHANGES)
    connection.execute(_CHOSEN, {"keeps_all": not left_out})
    facts = Facts(
        scope=scope,
        feeds=_table(connection, "select * from report_feed order by feed"),
        fields=_table(
            connection, f"select * from report_field where {kept} order by {WORST_FIRST}"
        ),
        series=_table(connection, _SERIES),
        changes=_table(connection, _CHANGED),
        silences=_table(connection, _SILENCES, {"data_model": options.data_model}),
        findings=read_findings(connection, {**chosen, "source_ids": named_ids}),
        source_names=names,
        places={
            (data_model, path): place
            for data_model, path, place in connection.execute(_PLACES).fetchall()
        },
        settings=_read_settings(connection),
        left_out=left_out,
    )
    connection.execute(
        "drop table report_series; drop table report_change; drop table report_field;"
        " drop table report_feed; drop table report_kept"
    )
    return facts


def _ids_of(
    source: str, names: Mapping[str, str], connection: duckdb.DuckDBPyConnection
) -> list[str]:
    """The source ids that a name or an organization means."""
    query = "select source_id from quality.organization where organization = $1"
    organized = [row[0] for row in connection.execute(query, [source]).fetchall()]
    return sorted({*organized, *(one for one, name in names.items() if name == source)})


def _read_scope(connection: duckdb.DuckDBPyConnection, options: ReportOptions) -> Scope:
    first_day, last_day, has_real, has_test = connection.execute(
        "select any_value(first_day), any_value(last_day), coalesce(bool_or(not is_test), false),"
        " coalesce(bool_or(is_test), false) from quality.count_period"
        " left join quality.message_count on messages > 0"
    ).fetchall()[0]
    falls_back = has_test and not has_real and not options.include_test
    return Scope(first_day, last_day, options.include_test or falls_back, falls_back)


def _read_settings(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    query = "select name, value from quality.reliability_setting"
    settings = dict(connection.execute(query).fetchall())
    if not settings:
        raise PermanentError(
            "The warehouse has no thresholds of reliability (quality.reliability_setting is empty);"
            " load something once with this release."
        )
    return settings


def _rows_to_keep(
    connection: duckdb.DuckDBPyConnection, max_rows: int
) -> tuple[str, dict[tuple[int, str], int]]:
    """Which rows are read, and how many of each feed and verdict are not.

    Of too many rows the rated ones stay, then those most often filled.
    """
    connection.execute(_KEPT, {"max_rows": max_rows})
    total = connection.execute("select count(*) from report_field").fetchall()[0][0]
    if total <= max_rows:
        return "true", {}
    rows = connection.execute(_LEFT_OUT).fetchall()
    return _IS_KEPT, {(feed, verdict): count for feed, verdict, count in rows}


def _table(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any] | None = None
) -> pa.Table:
    return connection.sql(query, params=parameters or {}).to_arrow_table()
