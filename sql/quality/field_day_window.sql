-- For every recent day on which a field may have changed: the days before it and the days from it on.
-- grain: one row per source, data model, event type, test flag, path and day with messages, of the
--   last drift_days days (0: all); only fields of quality.field_drift_possible
-- key: source_id, data_model, event_type, is_test, path, day
-- reads: quality.message_count, quality.field_drift_possible, quality.count_period,
--   quality.reliability_setting
-- past is the drift_past_days before the day; recent is the day itself and those after it,
-- drift_recent_days in all. Both are whole weeks, so that all weekdays have equal weight.
with setting as (
  select
    coalesce(max(value) filter (where name = 'drift_days'), 0) as days,
    cast(max(value) filter (where name = 'drift_past_days') as integer) as past_length,
    cast(max(value) filter (where name = 'drift_recent_days') as integer) as recent_length
  from quality.reliability_setting
),

-- the days that are tested, and the first one that they are compared with
reach as (
  select
    if(setting.days > 0, last_day - cast(setting.days as integer) + 1, date '0001-01-01') as first_day,
    if(
      setting.days > 0,
      last_day - cast(setting.days as integer) + 1 - setting.past_length,
      date '0001-01-01'
    ) as past_day,
    last_day
  from quality.count_period
  cross join setting
),

-- integers stand for the keys from here on: sorting and joining by them is several times faster
message_day as (
  select
    dense_rank() over (order by source_id, data_model, event_type, is_test) as feed_id,
    source_id,
    data_model,
    event_type,
    is_test,
    datediff('day', date '1970-01-01', day) as day_number,
    sum(cast(messages as double)) as messages
  from quality.message_count
  where day between (select past_day from reach) and (select last_day from reach)
    and messages > 0
  group by source_id, data_model, event_type, is_test, day
),

-- how far both sides of a day reach is the same for all fields of a feed
feed_day as (
  select
    message_day.feed_id,
    message_day.day_number,
    count(*) over past as past_days,
    sum(message_day.messages) over past as past_messages,
    count(*) over recent as recent_days,
    sum(message_day.messages) over recent as recent_messages
  from message_day
  cross join setting
  window
    past as (
      partition by message_day.feed_id
      order by message_day.day_number
      range between setting.past_length preceding and 1 preceding
    ),
    recent as (
      partition by message_day.feed_id
      order by message_day.day_number
      range between current row and (setting.recent_length - 1) following
    )
),

feed as (
  select distinct
    feed_id,
    source_id,
    data_model,
    event_type,
    is_test
  from message_day
),

series as materialized (
  select
    row_number() over () as series_id,
    feed.feed_id,
    feed.source_id,
    feed.data_model,
    feed.event_type,
    feed.is_test,
    possible.path,
    possible.tests,
    possible.day_numbers,
    possible.day_populated
  from quality.field_drift_possible as possible
  inner join feed
    on feed.source_id = possible.source_id
    and feed.data_model = possible.data_model
    and feed.event_type = possible.event_type
    and feed.is_test = possible.is_test
),

filled_day as (
  select
    series_id,
    day_number,
    sum(populated) as populated
  from (
    select series_id, unnest(day_numbers) as day_number, unnest(day_populated) as populated
    from series
  )
  group by series_id, day_number
),

varying_day as (
  select
    series.series_id,
    feed_day.day_number,
    feed_day.past_days,
    feed_day.past_messages,
    feed_day.recent_days,
    feed_day.recent_messages,
    coalesce(filled_day.populated, 0) as populated
  from series
  inner join feed_day
    on feed_day.feed_id = series.feed_id
  left join filled_day
    on filled_day.series_id = series.series_id
    and filled_day.day_number = feed_day.day_number
),

two_sides as (
  select
    series_id,
    day_number,
    past_days,
    past_messages,
    recent_days,
    recent_messages,
    coalesce(
      sum(populated) over (
        partition by series_id
        order by day_number
        rows between past_days preceding and 1 preceding
      ),
      0
    ) as past_populated,
    sum(populated) over (
      partition by series_id
      order by day_number
      rows between current row and (recent_days - 1) following
    ) as recent_populated
  from varying_day
)

select
  series.source_id,
  series.data_model,
  series.event_type,
  series.is_test,
  series.path,
  date '1970-01-01' + cast(two_sides.day_number as integer) as day,
  two_sides.past_days,
  two_sides.past_populated,
  two_sides.past_messages,
  two_sides.recent_days,
  two_sides.recent_populated,
  two_sides.recent_messages,
  series.tests
from two_sides
inner join series
  on series.series_id = two_sides.series_id
where two_sides.day_number >= datediff('day', date '1970-01-01', (select first_day from reach))
