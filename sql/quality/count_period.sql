-- Which days the rates are taken over, and the last day that can be believed.
-- grain: one row; key: none
-- reads: quality.message_count, quality.reliability_setting
-- A day is the sender's own date of the event, so a sentinel such as 9999-12-31 can be in it:
-- days after tomorrow are counted in the totals but never taken as "now".
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
