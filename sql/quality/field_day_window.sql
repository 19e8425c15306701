-- For every day of a field that varies: the days before it beside the days from it on.
-- grain: one row per source, data model, event type, test flag, path and day with messages; fields
--   that are filled in every message, or in none, have no rows
-- key: source_id, data_model, event_type, is_test, path, day
-- reads: quality.field_day, quality.count_period, quality.reliability_setting
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

day_count as (
  select
    source_id,
    data_model,
    event_type,
    is_test,
    path,
    datediff('day', date '1970-01-01', day) as day_number,
    cast(messages_populated as double) as populated,
    cast(messages as double) as messages
  from quality.field_day
  where day <= (select last_day from quality.count_period)
    and messages > 0
),

-- the integer stands for the five keys: sorting and joining by it is several times faster
series as materialized (
  select
    row_number() over () as series_id,
    source_id,
    data_model,
    event_type,
    is_test,
    path,
    min(day_number) filter (where populated > 0) as first_filled,
    max(day_number) filter (where populated > 0) as last_filled
  from day_count
  group by source_id, data_model, event_type, is_test, path
  having sum(populated) < sum(messages)
),

varying_day as (
  select
    series.series_id,
    day_count.day_number,
    day_count.populated,
    day_count.messages,
    day_count.populated * day_count.populated / day_count.messages as square
  from day_count
  inner join series
    on series.source_id = day_count.source_id
    and series.data_model = day_count.data_model
    and series.event_type = day_count.event_type
    and series.is_test = day_count.is_test
    and series.path = day_count.path
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
