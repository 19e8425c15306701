-- What arrives that the catalog does not list: unlisted keys, unexpected types and shapes, unlisted
-- event types, extensions. Contains no values of payloads.
-- grain: one row per data model, path, rule and JSON type
-- key: data_model, path, rule, json_type
-- reads: core.unplaced_value, core.received_form, core.extension, core.message, core.landed_object,
--   quality.finding
-- A key that does not look like a key may hold data, so it is shown as ["*"]; an event type or source
-- ID that does not look like one is shown as *. At most 1,000 paths of one parent are listed; the rest
-- are counted together as parent.*. size_class is the size of the largest value's JSON text. Days are
-- UTC dates of the messages.
with misfit as (
  select
    message_id,
    path,
    reason as rule,
    left(value, 1) as first_letter,
    strlen(value) as size_bytes
  from core.unplaced_value
  where reason in ('unlisted_key', 'type_misfit', 'array_too_long_for_object', 'extension_shape')
  union all
  select
    message_id,
    path,
    rule,
    left(received, 1) as first_letter,
    strlen(received) as size_bytes
  from core.received_form
  where rule in ('object_for_array', 'array_for_object', 'type_converted')
  union all
  select
    message_id,
    case when owner_path = '' then 'Extensions' else owner_path || '.Extensions' end
      || case
        when regexp_full_match(slug, '[A-Za-z][A-Za-z0-9_-]{0,63}') then '.' || slug
        else '["*"]'
      end as path,
    'extension' as rule,
    case json_type
      when 'string' then '"'
      when 'number' then '0'
      when 'boolean' then 't'
      else left(value, 1)
    end as first_letter,
    strlen(value) as size_bytes
  from core.extension
  union all
  select
    message_id,
    path,
    rule,
    '"' as first_letter,
    0 as size_bytes
  from quality.finding
  where rule = 'event_type_unlisted'
),

seen as (
  select
    misfit.message_id,
    message.data_model,
    message.source_id,
    case
      when regexp_full_match(
        message.source_id, '([0-9][0-9._:-]{0,31})?[A-Za-z][A-Za-z0-9._:-]{0,63}'
      )
        then message.source_id
      when message.source_id <> '' then '*'
    end as shown_source,
    case
      when regexp_full_match(
        coalesce(message.read_as, message.event_type), '[A-Za-z][A-Za-z0-9_-]{0,63}'
      )
        then coalesce(message.read_as, message.event_type)
      when message.event_type <> '' then '*'
    end as event_type,
    cast(
      timezone('UTC', coalesce(message.event_at, message.received_at, landed_object.landed_at))
      as date
    ) as day,
    regexp_replace(misfit.path, '\["([^"\\]|\\.)*"\]', '["*"]', 'g') as path,
    misfit.rule,
    case misfit.first_letter
      when '{' then 'object'
      when '[' then 'array'
      when '"' then 'string'
      when 't' then 'boolean'
      when 'f' then 'boolean'
      else 'number'
    end as json_type,
    misfit.size_bytes
  from misfit
  inner join core.message
    on message.message_id = misfit.message_id
  left join core.landed_object
    on landed_object.object_id = message.object_id
),

place as (
  select
    data_model,
    path,
    regexp_replace(path, '\.?[^.]*$', '') as parent,
    row_number() over (
      partition by data_model, parent
      order by count(*) desc, path
    ) as place
  from seen
  group by data_model, path
),

named as (
  select
    seen.message_id,
    seen.data_model,
    seen.source_id,
    seen.shown_source,
    seen.event_type,
    seen.day,
    seen.rule,
    seen.json_type,
    seen.size_bytes,
    case
      when place.place <= 1000 then seen.path
      else ltrim(place.parent || '.*', '.')
    end as path
  from seen
  inner join place
    on place.data_model = seen.data_model
    and place.path = seen.path
)

select
  data_model,
  path,
  rule,
  json_type,
  case
    when max(size_bytes) <= 32 then 'up to 32 B'
    when max(size_bytes) <= 1024 then 'up to 1 KB'
    when max(size_bytes) <= 32768 then 'up to 32 KB'
    when max(size_bytes) <= 1048576 then 'up to 1 MB'
    else 'more than 1 MB'
  end as size_class,
  min(day) as first_day,
  max(day) as last_day,
  count(distinct message_id) as messages,
  count(*) as occurrences,
  count(distinct source_id) as sources,
  array_to_string(list_sort(list(distinct shown_source))[1:20], ', ') as source_ids,
  array_to_string(list_sort(list(distinct event_type))[1:20], ', ') as event_types
from named
group by data_model, path, rule, json_type
