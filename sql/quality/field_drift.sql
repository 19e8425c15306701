-- When a field's fill rate changed compared with its own past: fell, rose, vanished or appeared.
-- grain: one row per source, data model, event type, test flag, path and day of change, of the last
--   drift_days days (0: all)
-- key: source_id, data_model, event_type, is_test, path, day
-- reads: quality.field_drift_candidate, quality.message_count, quality.path_count,
--   quality.count_period, quality.reliability_setting
-- The test of two proportions is the likelihood ratio G, divided by the over-dispersion of the days
-- within each side (at least 1), because messages of one day are not independent. Its p-value is
-- bounded by a t-like tail,
--   2 (1 + G / (dispersion df)) ^ (-df / 2),   df = days of both sides - 2,
-- never below the Chernoff bound 2 exp(-G / 2): safe for rare values, and needs no tables.
-- Bonferroni over every listed field and tested day: without any real change, drift_false_alarms
-- alarms are raised on average. A few odd days are not a change either: the first day and three of
-- five recent days must have moved by half of it. If neighboring days show the same change, the most
-- likely one is kept.
with setting as (
  select
    max(value) filter (where name = 'drift_false_alarms') as false_alarms,
    cast(max(value) filter (where name = 'drift_past_days') as integer) as past_length,
    cast(max(value) filter (where name = 'drift_recent_days') as integer) as recent_length
  from quality.reliability_setting
),

candidate as materialized (
  select
    row_number() over () as candidate_id,
    possible.*
  from quality.field_drift_candidate as possible
),

-- the days of these few again, one by one
message_day as (
  select
    source_id,
    data_model,
    event_type,
    is_test,
    day,
    sum(cast(messages as double)) as messages
  from quality.message_count
  where day <= (select last_day from quality.count_period)
    and messages > 0
  group by source_id, data_model, event_type, is_test, day
),

candidate_series as (
  select distinct
    source_id,
    data_model,
    event_type,
    is_test,
    path
  from candidate
),

path_day as (
  select
    path_count.source_id,
    path_count.data_model,
    path_count.event_type,
    path_count.is_test,
    path_count.path,
    path_count.day,
    sum(cast(path_count.messages as double)) as populated
  from quality.path_count
  inner join candidate_series
    on candidate_series.source_id = path_count.source_id
    and candidate_series.data_model = path_count.data_model
    and candidate_series.event_type = path_count.event_type
    and candidate_series.is_test = path_count.is_test
    and candidate_series.path = path_count.path
  where path_count.day >= (select min(day) - any_value(past_length) from candidate cross join setting)
  group by all
),

side_day as (
  select
    candidate.candidate_id,
    message_day.day,
    message_day.day >= candidate.day as is_recent,
    message_day.messages,
    coalesce(path_day.populated, 0) as populated
  from candidate
  cross join setting
  inner join message_day
    on message_day.source_id = candidate.source_id
    and message_day.data_model = candidate.data_model
    and message_day.event_type = candidate.event_type
    and message_day.is_test = candidate.is_test
    and message_day.day >= candidate.day - setting.past_length
    and message_day.day < candidate.day + setting.recent_length
  left join path_day
    on path_day.source_id = candidate.source_id
    and path_day.data_model = candidate.data_model
    and path_day.event_type = candidate.event_type
    and path_day.is_test = candidate.is_test
    and path_day.path = candidate.path
    and path_day.day = message_day.day
),

-- Pearson's chi square of a side's days around their common rate: about days - 1 when messages are
-- independent, more when they are not
side as (
  select
    candidate_id,
    coalesce(
      (sum(populated * populated / messages) - sum(populated) * sum(populated) / sum(messages))
        * sum(messages) * sum(messages)
        / nullif(sum(populated) * (sum(messages) - sum(populated)), 0),
      0
    ) as scatter,
    list(populated / messages order by day) filter (where is_recent) as recent_rates
  from side_day
  group by candidate_id, is_recent
),

scattered as (
  select
    candidate_id,
    sum(scatter) as scatter,
    any_value(recent_rates) as recent_rates
  from side
  group by candidate_id
),

weighed as (
  select
    candidate.*,
    scattered.recent_rates,
    ln(2) - df / 2 * ln(1 + ratio / greatest(df, scattered.scatter)) as ln_chance
  from candidate
  inner join scattered
    on scattered.candidate_id = candidate.candidate_id
),

-- the rate that three of five recent days reach or pass in the direction of the change
unlikely as (
  select
    weighed.*,
    case
      when recent_rate < past_rate
        then list_sort(recent_rates)[cast(ceil(0.6 * recent_days) as integer)]
      else list_sort(recent_rates, 'desc')[cast(ceil(0.6 * recent_days) as integer)]
    end as lasting_rate
  from weighed
  cross join setting
  where ln_chance + ln(weighed.tests) <= ln(setting.false_alarms)
),

alarm as materialized (
  select
    unlikely.*
  from unlikely
  cross join setting
  where (lasting_rate - past_rate) / (recent_rate - past_rate) >= 0.5
    and (recent_rates[1] - past_rate) / (recent_rate - past_rate) >= 0.5
  qualify ln_chance = min(ln_chance) over (
    partition by source_id, data_model, event_type, is_test, path
    order by datediff('day', date '1970-01-01', day)
    range between setting.recent_length preceding and setting.recent_length following
  )
),

alarm_series as (
  select distinct source_id, data_model, event_type, is_test, path
  from alarm
),

-- the first and last day on which each was ever filled
filled as (
  select
    path_count.source_id,
    path_count.data_model,
    path_count.event_type,
    path_count.is_test,
    path_count.path,
    min(path_count.day) as first_filled,
    max(path_count.day) as last_filled
  from quality.path_count
  inner join alarm_series
    on alarm_series.source_id = path_count.source_id
    and alarm_series.data_model = path_count.data_model
    and alarm_series.event_type = path_count.event_type
    and alarm_series.is_test = path_count.is_test
    and alarm_series.path = path_count.path
  where path_count.messages > 0
    and path_count.day <= (select last_day from quality.count_period)
  group by all
),

change as (
  select
    alarm.*,
    case
      when recent_rate < past_rate and filled.last_filled < alarm.day then 'vanished'
      when recent_rate > past_rate and filled.first_filled >= alarm.day then 'appeared'
      when recent_rate < past_rate then 'fell'
      else 'rose'
    end as kind,
    case
      when past_rate in (0, 1) or past_rate between 0.01 and 0.99
        then format('{:.0f}%', 100 * past_rate)
      else format('{:.2f}%', 100 * past_rate)
    end as past_text,
    case
      when recent_rate in (0, 1) or recent_rate between 0.01 and 0.99
        then format('{:.0f}%', 100 * recent_rate)
      else format('{:.2f}%', 100 * recent_rate)
    end as recent_text
  from alarm
  inner join filled
    on filled.source_id = alarm.source_id
    and filled.data_model = alarm.data_model
    and filled.event_type = alarm.event_type
    and filled.is_test = alarm.is_test
    and filled.path = alarm.path
)

select
  source_id,
  data_model,
  event_type,
  is_test,
  path,
  day,
  kind,
  cast(past_populated as bigint) as past_populated,
  cast(past_messages as bigint) as past_messages,
  past_rate,
  cast(recent_populated as bigint) as recent_populated,
  cast(recent_messages as bigint) as recent_messages,
  recent_rate,
  exp(ln_chance) as chance,
  format(
    'Field {} of source {} {} on {} ({} {}).',
    path,
    source_id,
    case kind
      when 'vanished' then format('vanished: it fell from {} to 0%', past_text)
      when 'appeared' then format('appeared: it rose from 0% to {}', recent_text)
      else format('{} from {} to {}', kind, past_text, recent_text)
    end,
    strftime(day, '%B %-d, %Y'),
    data_model,
    event_type
  ) as sentence
from change
