-- The days that rates are computed over, and the last day that is plausible.
-- grain: one row; key: none
-- reads: quality.message_count, quality.reliability_setting
-- A day is the event's date as the sender gave it, so it can be a placeholder such as 9999-12-31.
-- Days after tomorrow count in the totals but are never taken as "now".
with setting as (
  select
    max(value) filter (where name = 'period_days') as period_days
  from quality.reliability_setting
),

counted as (
  select
    min(day) as first_day,
    max(day) filter (where day <= current_date + 1) as last_day
  from quality.message_count
)

select
  case
    when setting.period_days > 0 then last_day - cast(setting.period_days as integer) + 1
    else first_day
  end as first_day,
  last_day
from counted
cross join setting
