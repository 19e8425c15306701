-- The supported value that a received value stands for, in each field with a closed value set.
-- grain: one row per data model, path and received value that is supported, is a known synonym, or
--   was received and is spelled like one of them
-- key: data_model, path, received
-- reads: quality.field, quality.value_set, quality.unsupported_value
-- Join on data model, path and the received value. No row means that no supported value is known.
with closed_field as (
  select distinct
    data_model,
    path,
    value_set
  from quality.field
  where value_set in (select value_set from quality.value_set where kind = 'closed')
),

known as (
  select
    closed_field.data_model,
    closed_field.path,
    value_set.received,
    value_set.supported,
    value_set.is_supported
  from closed_field
  inner join quality.value_set
    on value_set.value_set = closed_field.value_set
  union all
  select
    data_model,
    path,
    value as received,
    suggestion as supported,
    false as is_supported
  from quality.unsupported_value
  where suggestion <> ''
)

select
  data_model,
  path,
  received,
  arg_max(supported, is_supported) as supported,
  bool_or(is_supported) as is_supported
from known
group by data_model, path, received
