-- How often each field is filled: every numerator with its denominator, and the interval.
-- grain: one row per source, data model, event type, test flag and path; every path that the event
--   type lists, and every path that is filled although it is not listed
-- key: source_id, data_model, event_type, is_test, path
-- reads: quality.message_count, quality.path_count, quality.field, quality.field_event,
--   quality.count_period, quality.reliability_setting
-- A rate is null if its denominator is zero. element_rate is per element of the nearest array around
-- the field that has a row (per message if there is none). parent_rate is per filled object around the
-- field below that array (as element_rate if there is none). For arrays, both are per message and known
-- only outside other arrays; mean_elements is rows per enclosing element.
with setting as (
  select
    max(value) filter (where name = 'confidence_z') as z
  from quality.reliability_setting
),

message_group as (
  select
    source_id,
    data_model,
    event_type,
    is_test,
    cast(sum(messages) as bigint) as messages
  from quality.message_count
  where day >= (select first_day from quality.count_period)
  group by source_id, data_model, event_type, is_test
),

path_group as (
  select
    source_id,
    data_model,
    event_type,
    is_test,
    path,
    cast(sum(messages) as bigint) as messages_populated,
    cast(sum(elements) as bigint) as elements
  from quality.path_count
  where day >= (select first_day from quality.count_period)
  group by source_id, data_model, event_type, is_test, path
),

field as (
  select
    data_model,
    path,
    min(kind) as kind,
    min(enclosing_array) as enclosing_array,
    min(parent_object) as parent_object
  from quality.field
  group by data_model, path
),

listed as (
  select
    message_group.source_id,
    message_group.data_model,
    message_group.event_type,
    message_group.is_test,
    field_event.path
  from message_group
  inner join quality.field_event
    on field_event.data_model = message_group.data_model
    and field_event.event_type = message_group.event_type
),

listed_or_filled as (
  select
    coalesce(listed.source_id, path_group.source_id) as source_id,
    coalesce(listed.data_model, path_group.data_model) as data_model,
    coalesce(listed.event_type, path_group.event_type) as event_type,
    coalesce(listed.is_test, path_group.is_test) as is_test,
    coalesce(listed.path, path_group.path) as path,
    listed.path is not null as is_listed,
    coalesce(path_group.messages_populated, 0) as messages_populated,
    coalesce(path_group.elements, 0) as elements
  from listed
  full join path_group
    on path_group.source_id = listed.source_id
    and path_group.data_model = listed.data_model
    and path_group.event_type = listed.event_type
    and path_group.is_test = listed.is_test
    and path_group.path = listed.path
),

counted as (
  select
    listed_or_filled.source_id,
    listed_or_filled.data_model,
    listed_or_filled.event_type,
    listed_or_filled.is_test,
    listed_or_filled.path,
    coalesce(field.kind, 'leaf') as kind,
    coalesce(field.enclosing_array, '') as enclosing_array,
    coalesce(field.parent_object, '') as parent_object,
    listed_or_filled.is_listed,
    listed_or_filled.messages_populated,
    coalesce(message_group.messages, 0) as messages,
    listed_or_filled.elements,
    case
      when coalesce(field.enclosing_array, '') = '' then coalesce(message_group.messages, 0)
      else coalesce(enclosing.elements, 0)
    end as element_denominator,
    case
      when coalesce(field.parent_object, '') <> '' then coalesce(parent.elements, 0)
      when coalesce(field.enclosing_array, '') <> '' then coalesce(enclosing.elements, 0)
      else coalesce(message_group.messages, 0)
    end as parent_denominator
  from listed_or_filled
  left join message_group
    on message_group.source_id = listed_or_filled.source_id
    and message_group.data_model = listed_or_filled.data_model
    and message_group.event_type = listed_or_filled.event_type
    and message_group.is_test = listed_or_filled.is_test
  left join field
    on field.data_model = listed_or_filled.data_model
    and field.path = listed_or_filled.path
  left join path_group as enclosing
    on enclosing.source_id = listed_or_filled.source_id
    and enclosing.data_model = listed_or_filled.data_model
    and enclosing.event_type = listed_or_filled.event_type
    and enclosing.is_test = listed_or_filled.is_test
    and enclosing.path = field.enclosing_array
  left join path_group as parent
    on parent.source_id = listed_or_filled.source_id
    and parent.data_model = listed_or_filled.data_model
    and parent.event_type = listed_or_filled.event_type
    and parent.is_test = listed_or_filled.is_test
    and parent.path = field.parent_object
),

rated as (
  select
    counted.*,
    messages_populated / nullif(messages, 0) as request_rate,
    setting.z * setting.z / nullif(messages, 0) as z2_per_message,
    setting.z
  from counted
  cross join setting
),

wilson as (
  select
    rated.*,
    (request_rate + z2_per_message / 2) / (1 + z2_per_message) as centre,
    sqrt((request_rate * (1 - request_rate) + z2_per_message / 4) * z2_per_message)
      / (1 + z2_per_message) as half_width
  from rated
)

select
  source_id,
  data_model,
  event_type,
  is_test,
  path,
  kind,
  enclosing_array,
  parent_object,
  is_listed,
  messages_populated,
  messages,
  request_rate,
  -- greatest() and least() pass over null, so that must be asked for first
  case
    when centre is null then null
    when messages_populated = 0 then 0.0
    else greatest(0.0, centre - half_width)
  end as rate_low,
  case
    when centre is null then null
    when messages_populated = messages then 1.0
    else least(1.0, centre + half_width)
  end as rate_high,
  elements,
  element_denominator,
  case
    when kind <> 'array' then elements / nullif(element_denominator, 0)
    when enclosing_array = '' then messages_populated / nullif(messages, 0)
  end as element_rate,
  case
    when kind = 'array' then elements / nullif(element_denominator, 0)
  end as mean_elements,
  parent_denominator,
  case
    when kind <> 'array' then elements / nullif(parent_denominator, 0)
    when enclosing_array = '' then messages_populated / nullif(parent_denominator, 0)
  end as parent_rate
from wilson
