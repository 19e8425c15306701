-- Received values that are outside the closed value set of their field: map them or list them.
-- grain: one row per data model, path and value
-- key: data_model, path, value
-- reads: quality.unsupported_value, quality.field
-- Holds values of payloads. first_message_id is the first message that had the value. link is the
-- evidence that the field has this value set (quality.field.value_set_confidence).
with link as (
  select
    data_model,
    path,
    any_value(value_set_confidence) as link
  from quality.field
  where value_set_confidence <> ''
  group by data_model, path
)

select
  data_model,
  path,
  value,
  any_value(value_set) as value_set,
  coalesce(any_value(link.link), '') as link,
  any_value(suggestion) as suggestion,
  cast(sum(findings) as bigint) as findings,
  min(first_day) as first_day,
  max(last_day) as last_day,
  min(first_message_id) as first_message_id
from quality.unsupported_value
left join link using (data_model, path)
group by data_model, path, value
