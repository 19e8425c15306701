-- For every day of a field that varies: the days before it beside the days from it on.
-- grain: one row per source, data model, event type, test flag, path and day with messages; fields
--   that are filled in every message, or in none, have no rows
-- key: source_id, data_model, event_type, is_test, path, day
-- reads: quality.message_count, quality.path_count, quality.count_period,
--   quality.reliability_setting
-- past: the drift_past_days before the day; recent: the day and those after it, drift_recent_days in
-- all; both whole weeks, so that weekdays weigh alike. scatter is Pearson's chi square of a side's
-- days around their common rate: about days - 1 when messages are independent, more when they are
-- not. recent_rates holds the recent days' own rates; first_filled and last_filled speak of the whole
-- series.
with setting as (
  select
    cast(max(value) filter (where name = 'drift_past_days') as integer) as past_length,
    cast(max(value) filter (where name = 'drift_recent_days') as integer) as recent_length
  from quality.reliability_setting
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
    cast(sum(messages) as double) as messages
  from quality.message_count
  where day <= (select last_day from quality.count_period)
    and messages > 0
  group by source_id, data_model, event_type, is_test, day
),

feed as (
  select
    feed_id,
    source_id,
    data_model,
    event_type,
    is_test,
    sum(messages) as messages
  from message_day
  group by feed_id, source_id, data_model, event_type, is_test
),

filled as (
  select
    source_id,
    data_model,
    event_type,
    is_test,
    path,
    sum(messages) as populated,
    datediff('day', date '1970-01-01', min(day)) as first_filled,
    datediff('day', date '1970-01-01', max(day)) as last_filled
  from quality.path_count
  where day <= (select last_day from quality.count_period)
    and messages > 0
  group by source_id, data_model, event_type, is_test, path
),

series as materialized (
  select
    row_number() over () as series_id,
    feed.feed_id,
    feed.source_id,
    feed.data_model,
    feed.event_type,
    feed.is_test,
    filled.path,
    filled.first_filled,
    filled.last_filled
  from filled
  inner join feed
    on feed.source_id = filled.source_id
    and feed.data_model = filled.data_model
    and feed.event_type = filled.event_type
    and feed.is_test = filled.is_test
  where filled.populated < feed.messages
),

filled_day as (
  select
    series.series_id,
    datediff('day', date '1970-01-01', path_count.day) as day_number,
    cast(sum(path_count.messages) as double) as populated
  from quality.path_count
  inner join series
    on series.source_id = path_count.source_id
    and series.data_model = path_count.data_model
    and series.event_type = path_count.event_type
    and series.is_test = path_count.is_test
    and series.path = path_count.path
  group by series.series_id, path_count.day
),

varying_day as (
  select
    series.series_id,
    message_day.day_number,
    message_day.messages,
    coalesce(filled_day.populated, 0) as populated,
    coalesce(filled_day.populated * filled_day.populated, 0) / message_day.messages as square
  from series
  inner join message_day
    on message_day.feed_id = series.feed_id
  left join filled_day
    on filled_day.series_id = series.series_id
    and filled_day.day_number = message_day.day_number
),

two_sides as (
  select
    series_id,
    day_number,
    count(*) over past as past_days,
    sum(populated) over past as past_populated,
    sum(messages) over past as past_messages,
    sum(square) over past as past_square,
    count(*) over recent as recent_days,
    sum(populated) over recent as recent_populated,
    sum(messages) over recent as recent_messages,
    sum(square) over recent as recent_square,
    list(populated / messages) over recent as recent_rates
  from varying_day
  cross join setting
  window
    past as (
      partition by series_id
      order by day_number
      range between setting.past_length preceding and 1 preceding
    ),
    recent as (
      partition by series_id
      order by day_number
      range between current row and (setting.recent_length - 1) following
    )
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
  coalesce(
    (past_square - past_populated * past_populated / past_messages)
      * past_messages * past_messages
      / nullif(past_populated * (past_messages - past_populated), 0),
    0
  ) as past_scatter,
  two_sides.recent_days,
  two_sides.recent_populated,
  two_sides.recent_messages,
  coalesce(
    (recent_square - recent_populated * recent_populated / recent_messages)
      * recent_messages * recent_messages
      / nullif(recent_populated * (recent_messages - recent_populated), 0),
    0
  ) as recent_scatter,
  two_sides.recent_rates,
  date '1970-01-01' + cast(series.first_filled as integer) as first_filled,
  date '1970-01-01' + cast(series.last_filled as integer) as last_filled
from two_sides
inner join series
  on series.series_id = two_sides.series_id
