-- When a field's fill rate changed against its own past: fell, rose, vanished, appeared.
-- grain: one row per source, data model, event type, test flag, path and day of change
-- key: source_id, data_model, event_type, is_test, path, day
-- reads: quality.field_day_window, quality.message_count, quality.field_event,
--   quality.reliability_setting
-- The test of two proportions is the likelihood ratio G, divided by the over-dispersion of the days
-- within each side (at least 1), because the messages of a day are not independent. Its chance is
-- bounded by a t-like tail,
--   2 (1 + G / (dispersion df)) ^ (-df / 2),   df = days of both sides - 2,
-- never smaller than the Chernoff bound 2 exp(-G / 2): safe for rare values, and needs no tables.
-- Bonferroni over every listed field and day: all ordinary days together raise drift_false_alarms
-- alarms on average. A few wild days are no change either: the first and three of five recent days
-- must have moved by half of it. Of neighbouring days that show one change the likeliest is kept.
with setting as (
  select
    max(value) filter (where name = 'drift_false_alarms') as false_alarms,
    cast(max(value) filter (where name = 'drift_recent_days') as integer) as recent_length,
    max(value) filter (where name = 'drift_min_past_days') as min_past_days,
    max(value) filter (where name = 'drift_min_recent_days') as min_recent_days,
    max(value) filter (where name = 'drift_min_messages') as min_messages,
    max(value) filter (where name = 'drift_min_change') as min_change
  from quality.reliability_setting
),

feed as (
  select
    data_model,
    event_type,
    count(distinct (source_id, is_test, day)) as days
  from quality.message_count
  group by data_model, event_type
),

listed as (
  select
    data_model,
    event_type,
    count(*) as paths
  from quality.field_event
  group by data_model, event_type
),

test_count as (
  select
    cast(sum(feed.days * coalesce(listed.paths, 1)) as double) as tests
  from feed
  left join listed
    on listed.data_model = feed.data_model
    and listed.event_type = feed.event_type
),

-- x ln(x / n) is 0 where x is 0: greatest() only keeps ln() defined
tested as (
  select
    side.*,
    side.past_populated / side.past_messages as past_rate,
    side.recent_populated / side.recent_messages as recent_rate,
    side.past_populated + side.recent_populated as populated,
    side.past_messages + side.recent_messages as messages,
    side.past_days + side.recent_days - 2 as df,
    side.past_populated * ln(greatest(side.past_populated, 1e-9) / side.past_messages)
      + (side.past_messages - side.past_populated)
        * ln(greatest(side.past_messages - side.past_populated, 1e-9) / side.past_messages)
      + side.recent_populated * ln(greatest(side.recent_populated, 1e-9) / side.recent_messages)
      + (side.recent_messages - side.recent_populated)
        * ln(greatest(side.recent_messages - side.recent_populated, 1e-9) / side.recent_messages)
      as likelihood_apart
  from quality.field_day_window as side
  cross join setting
  where side.past_days >= setting.min_past_days
    and side.recent_days >= setting.min_recent_days
    and side.past_messages >= setting.min_messages
    and side.recent_messages >= setting.min_messages
    and abs(side.recent_populated / side.recent_messages - side.past_populated / side.past_messages)
      >= setting.min_change
),

weighed as (
  select
    tested.*,
    ln(2) - df / 2 * ln(
      1 + 2 * (
        likelihood_apart
        - populated * ln(greatest(populated, 1e-9) / messages)
        - (messages - populated) * ln(greatest(messages - populated, 1e-9) / messages)
      ) / greatest(df, past_scatter + recent_scatter)
    ) as ln_chance
  from tested
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
  cross join test_count
  where ln_chance + ln(test_count.tests) <= ln(setting.false_alarms)
),

alarm as (
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

change as (
  select
    alarm.*,
    case
      when recent_rate < past_rate and last_filled < day then 'vanished'
      when recent_rate > past_rate and first_filled >= day then 'appeared'
      when recent_rate < past_rate then 'fell'
      else 'rose'
    end as kind,
    case
      when past_rate in (0, 1) or past_rate between 0.01 and 0.99
        then format('{:.0f} %', 100 * past_rate)
      else format('{:.2f} %', 100 * past_rate)
    end as past_text,
    case
      when recent_rate in (0, 1) or recent_rate between 0.01 and 0.99
        then format('{:.0f} %', 100 * recent_rate)
      else format('{:.2f} %', 100 * recent_rate)
    end as recent_text
  from alarm
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
      when 'vanished' then format('vanished: it fell from {} to 0 %', past_text)
      when 'appeared' then format('appeared: it rose from 0 % to {}', recent_text)
      else format('{} from {} to {}', kind, past_text, recent_text)
    end,
    strftime(day, '%-d %B %Y'),
    data_model,
    event_type
  ) as sentence
from change
