-- Which sources, or data models of a source, have fallen silent compared with their own past.
-- grain: one row per silent source (data_model '*') or, if the source still sends, per silent
--   data model of it
-- key: source_id, data_model, is_test
-- reads: quality.message_count, quality.count_period, quality.reliability_setting
-- A sender is silent if the days since its last message are more than any gap of its last eight weeks,
-- and so unlikely for its own weekdays that all senders together would raise silence_false_alarms
-- alarms. The last counted day does not count, because it may not be over.
with setting as (
  select
    max(value) filter (where name = 'silence_false_alarms') as false_alarms,
    cast(max(value) filter (where name = 'silence_past_days') as integer) as past_days,
    max(value) filter (where name = 'silence_min_days') as min_days
  from quality.reliability_setting
),

active_day as (
  select
    source_id,
    data_model,
    is_test,
    day,
    sum(messages) as messages
  from quality.message_count
  where messages > 0
    and day <= (select last_day from quality.count_period)
  group by grouping sets ((source_id, data_model, is_test, day), (source_id, is_test, day))
),

sender as (
  select
    source_id,
    coalesce(data_model, '*') as data_model,
    is_test,
    min(day) as first_day,
    max(day) as last_day,
    (select last_day from quality.count_period) - max(day) - 1 as silent_days
  from active_day
  group by source_id, coalesce(data_model, '*'), is_test
),

recent as (
  select
    active_day.source_id,
    coalesce(active_day.data_model, '*') as data_model,
    active_day.is_test,
    active_day.day,
    active_day.messages,
    active_day.day - lag(active_day.day) over (
      partition by active_day.source_id, active_day.data_model, active_day.is_test
      order by active_day.day
    ) - 1 as gap_before
  from active_day
  inner join sender
    on sender.source_id = active_day.source_id
    and sender.data_model = coalesce(active_day.data_model, '*')
    and sender.is_test = active_day.is_test
  cross join setting
  where active_day.day > sender.last_day - setting.past_days
),

habit as (
  select
    source_id,
    data_model,
    is_test,
    count(*) as active_days,
    sum(messages) / count(*) as messages_per_active_day,
    coalesce(max(gap_before), 0) as longest_gap
  from recent
  group by source_id, data_model, is_test
),

weekday_active as (
  select
    source_id,
    data_model,
    is_test,
    isodow(day) as weekday,
    count(*) as active_days
  from recent
  group by source_id, data_model, is_test, isodow(day)
),

silent_day as (
  select
    sender.source_id,
    sender.data_model,
    sender.is_test,
    isodow(sender.last_day + cast(step.n as integer)) as weekday,
    count(*) as silent_days,
    -- how often this weekday occurred in the past looked at: the days up to the last message
    1 + (least(any_value(setting.past_days), any_value(sender.last_day - sender.first_day) + 1) - 1)
      // 7 as weekday_occurrences
  from sender
  cross join setting
  cross join lateral (select unnest(generate_series(1, least(sender.silent_days, 400)))) as step(n)
  group by sender.source_id, sender.data_model, sender.is_test, weekday
),

chance as (
  select
    silent_day.source_id,
    silent_day.data_model,
    silent_day.is_test,
    sum(
      silent_day.silent_days * ln(
        1 - least(
          coalesce(weekday_active.active_days, 0),
          silent_day.weekday_occurrences
        ) / (silent_day.weekday_occurrences + 1)
      )
    ) as ln_chance
  from silent_day
  left join weekday_active
    on weekday_active.source_id = silent_day.source_id
    and weekday_active.data_model = silent_day.data_model
    and weekday_active.is_test = silent_day.is_test
    and weekday_active.weekday = silent_day.weekday
  group by silent_day.source_id, silent_day.data_model, silent_day.is_test
),

silent as (
  select
    sender.source_id,
    sender.data_model,
    sender.is_test,
    sender.last_day,
    sender.silent_days,
    habit.longest_gap,
    habit.active_days,
    habit.messages_per_active_day
  from sender
  inner join habit
    on habit.source_id = sender.source_id
    and habit.data_model = sender.data_model
    and habit.is_test = sender.is_test
  inner join chance
    on chance.source_id = sender.source_id
    and chance.data_model = sender.data_model
    and chance.is_test = sender.is_test
  cross join setting
  where sender.silent_days > habit.longest_gap
    and habit.active_days >= setting.min_days
    and chance.ln_chance + ln((select count(*) from sender)) <= ln(setting.false_alarms)
)

select
  silent.source_id,
  silent.data_model,
  silent.is_test,
  silent.last_day,
  silent.silent_days,
  silent.longest_gap,
  silent.active_days,
  silent.messages_per_active_day,
  format(
    '{} fell silent after {}: nothing for {} days; {}.',
    case
      when silent.data_model = '*' and silent.source_id = '' then 'The source without an ID'
      when silent.source_id = '' then silent.data_model || ' of the source without an ID'
      when silent.data_model = '*' then 'Source ' || silent.source_id
      else silent.data_model || ' of source ' || silent.source_id
    end,
    strftime(silent.last_day, '%B %-d, %Y'),
    silent.silent_days,
    case silent.longest_gap
      when 0 then 'it never paused before'
      when 1 then 'its longest pause before was 1 day'
      else format('its longest pause before was {} days', silent.longest_gap)
    end
  ) as sentence
from silent
where silent.data_model = '*'
  or not exists (
    select 1
    from silent as whole
    where whole.source_id = silent.source_id
      and whole.is_test = silent.is_test
      and whole.data_model = '*'
  )
