-- Fields whose weeks differ enough that a change is possible at all: a quick filter, so that
--   field_day_window only lays out the days of these fields.
-- grain: one row per source, data model, event type, test flag and path
-- key: source_id, data_model, event_type, is_test, path
-- reads: quality.message_count, quality.path_count, quality.field_event, quality.count_period,
--   quality.reliability_setting
-- No day of change is missed. The days of a test lie within a few calendar weeks (week_span).
--   The likelihood ratio of two rates against one never exceeds that of one rate per day against one,
--   and the two rates are never farther apart than the days' own rates. So a field is left out only if
--   these bounds stay below what a candidate needs: least_ratio, the smallest that can be an alarm, and
--   drift_min_change. tests is the number of listed fields and days, see quality.field_drift;
--   day_numbers (since 1970-01-01) and day_populated are the counts of the days, in any order.
with setting as (
  select
    coalesce(max(value) filter (where name = 'drift_days'), 0) as days,
    cast(max(value) filter (where name = 'drift_past_days') as integer) as past_length,
    cast(max(value) filter (where name = 'drift_recent_days') as integer) as recent_length,
    max(value) filter (where name = 'drift_false_alarms') as false_alarms,
    max(value) filter (where name = 'drift_min_change') as min_change
  from quality.reliability_setting
),

-- the first day that any tested day is compared with
reach as (
  select
    if(
      setting.days > 0,
      last_day - cast(setting.days as integer) + 1 - setting.past_length,
      date '0001-01-01'
    ) as past_day,
    if(setting.days > 0, last_day - cast(setting.days as integer), date '-infinity')
      as before_tested,
    last_day
  from quality.count_period
  cross join setting
),

tested_feed as (
  select
    data_model,
    event_type,
    count(distinct (source_id, is_test, day)) as days
  from quality.message_count
  where day > (select before_tested from reach)
  group by data_model, event_type
),

listed as (
  select data_model, event_type, count(*) as paths
  from quality.field_event
  group by data_model, event_type
),

test_count as (
  select cast(sum(tested_feed.days * coalesce(listed.paths, 1)) as double) as tests
  from tested_feed
  left join listed
    on listed.data_model = tested_feed.data_model
    and listed.event_type = tested_feed.event_type
),

-- what a candidate must reach with as many days as a test can have (fewer need more), and as
-- exactly as doubles are added up
needed as (
  select
    test_count.tests,
    0.999 * df * (exp(2 * (ln(2) + ln(test_count.tests) - ln(setting.false_alarms)) / df) - 1)
      as least_ratio,
    0.999 * setting.min_change as least_change,
    (setting.past_length + setting.recent_length + 5) // 7 as week_span
  from setting
  cross join test_count
  cross join lateral (
    select cast(greatest(setting.past_length + setting.recent_length - 2, 1) as double) as df
  )
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

feed_week as (
  select feed_id, day_number // 7 as week, sum(messages) as messages, count(*) as days
  from message_day
  group by feed_id, week
),

feed_weeks as (
  select
    feed_week.feed_id,
    feed_week.week,
    feed_week.days,
    sum(feed_week.messages) over (
      partition by feed_week.feed_id
      order by feed_week.week
      range between current row and needed.week_span following
    ) as messages
  from feed_week
  cross join needed
),

-- all days of a field in one row: the keys, which are texts, are read and compared only once
filled as (
  select
    source_id,
    data_model,
    event_type,
    is_test,
    path,
    sum(cast(messages as double)) as populated,
    list(cast(datediff('day', date '1970-01-01', day) as integer)) as day_numbers,
    list(cast(messages as double)) as day_populated
  from quality.path_count
  where day between (select past_day from reach) and (select last_day from reach)
    and messages > 0
  group by source_id, data_model, event_type, is_test, path
),

series as materialized (
  select
    row_number() over () as series_id,
    feed.feed_id,
    filled.*
  from filled
  inner join feed
    on feed.source_id = filled.source_id
    and feed.data_model = filled.data_model
    and feed.event_type = filled.event_type
    and feed.is_test = filled.is_test
  where filled.populated < feed.messages
),

-- without the lists, which would be carried through every step
series_feed as materialized (
  select series_id, feed_id
  from series
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

-- x ln(x / n) is 0 where x is 0: greatest() only keeps ln() defined
filled_week as (
  select
    filled_day.series_id,
    filled_day.day_number // 7 as week,
    sum(filled_day.populated) as populated,
    count(*) as days,
    min(filled_day.populated / message_day.messages) as lowest,
    max(filled_day.populated / message_day.messages) as highest,
    sum(
      filled_day.populated * ln(filled_day.populated / message_day.messages)
      + (message_day.messages - filled_day.populated)
        * ln(greatest(message_day.messages - filled_day.populated, 1e-9) / message_day.messages)
    ) as likelihood_by_day
  from filled_day
  inner join series_feed
    on series_feed.series_id = filled_day.series_id
  inner join message_day
    on message_day.feed_id = series_feed.feed_id
    and message_day.day_number = filled_day.day_number
  group by filled_day.series_id, week
),

-- every week of the feed, also those in which the field is never filled
weeks as (
  select
    series_feed.series_id,
    feed_weeks.messages,
    sum(coalesce(filled_week.populated, 0)) over ahead as populated,
    sum(coalesce(filled_week.likelihood_by_day, 0)) over ahead as likelihood_by_day,
    coalesce(filled_week.highest, 0) as highest,
    if(filled_week.days = feed_weeks.days, filled_week.lowest, 0) as lowest
  from series_feed
  cross join needed
  inner join feed_weeks
    on feed_weeks.feed_id = series_feed.feed_id
  left join filled_week
    on filled_week.series_id = series_feed.series_id
    and filled_week.week = feed_weeks.week
  window
    ahead as (
      partition by series_feed.series_id
      order by feed_weeks.week
      range between current row and needed.week_span following
    )
),

possible as (
  select weeks.series_id
  from weeks
  cross join needed
  group by weeks.series_id
  having max(highest) - min(lowest) >= any_value(needed.least_change)
    and 2 * max(
      likelihood_by_day
      - populated * ln(greatest(populated, 1e-9) / weeks.messages)
      - (weeks.messages - populated)
        * ln(greatest(weeks.messages - populated, 1e-9) / weeks.messages)
    ) >= any_value(needed.least_ratio)
)

select
  series.source_id,
  series.data_model,
  series.event_type,
  series.is_test,
  series.path,
  needed.tests,
  series.day_numbers,
  series.day_populated
from series
cross join needed
inner join possible
  on possible.series_id = series.series_id
