-- Days on which a field may have changed, for field_drift to examine.
-- grain: one row per source, data model, event type, test flag, path and day that would be an alarm if
--   the days of each side varied no more than those of independent messages
-- key: source_id, data_model, event_type, is_test, path, day
-- reads: quality.field_day_window, quality.reliability_setting
-- ratio is twice the likelihood ratio of two rates against one; tests is the number of listed fields
-- and days. quality.field_drift describes the test.
with setting as (
  select
    max(value) filter (where name = 'drift_false_alarms') as false_alarms,
    max(value) filter (where name = 'drift_min_past_days') as min_past_days,
    max(value) filter (where name = 'drift_min_recent_days') as min_recent_days,
    max(value) filter (where name = 'drift_min_messages') as min_messages,
    max(value) filter (where name = 'drift_min_change') as min_change
  from quality.reliability_setting
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

compared as (
  select
    tested.* exclude (likelihood_apart),
    2 * (
      likelihood_apart
      - populated * ln(greatest(populated, 1e-9) / messages)
      - (messages - populated) * ln(greatest(messages - populated, 1e-9) / messages)
    ) as ratio
  from tested
)

select
  compared.* exclude (populated, messages, tests),
  compared.tests
from compared
cross join setting
where ln(2) - df / 2 * ln(1 + ratio / df) + ln(compared.tests) <= ln(setting.false_alarms)
