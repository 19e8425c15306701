-- Day by day, in how many of the day's messages a field is filled.
-- grain: one row per source, data model, event type, test flag, path and day with messages, for
--   every path that is filled on any day (a path that is never filled has no rows: it is 0 every day)
-- key: source_id, data_model, event_type, is_test, path, day
-- reads: quality.message_count, quality.path_count
with message_day as (
  select
    source_id,
    data_model,
    event_type,
    is_test,
    day,
    cast(sum(messages) as bigint) as messages
  from quality.message_count
  group by source_id, data_model, event_type, is_test, day
),

path_day as (
  select
    source_id,
    data_model,
    event_type,
    is_test,
    path,
    day,
    cast(sum(messages) as bigint) as messages_populated,
    cast(sum(elements) as bigint) as elements
  from quality.path_count
  group by source_id, data_model, event_type, is_test, path, day
),

series as (
  select distinct
    source_id,
    data_model,
    event_type,
    is_test,
    path
  from path_day
)

select
  series.source_id,
  series.data_model,
  series.event_type,
  series.is_test,
  series.path,
  message_day.day,
  coalesce(path_day.messages_populated, 0) as messages_populated,
  message_day.messages,
  coalesce(path_day.messages_populated, 0) / nullif(message_day.messages, 0) as request_rate,
  coalesce(path_day.elements, 0) as elements
from series
inner join message_day
  on message_day.source_id = series.source_id
  and message_day.data_model = series.data_model
  and message_day.event_type = series.event_type
  and message_day.is_test = series.is_test
left join path_day
  on path_day.source_id = series.source_id
  and path_day.data_model = series.data_model
  and path_day.event_type = series.event_type
  and path_day.is_test = series.is_test
  and path_day.path = series.path
  and path_day.day = message_day.day
