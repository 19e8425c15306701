-- The identifier type by which each source names its patients, called the source's own type.
-- It is the site's setting, else the type of most previous identifiers in merges, else the type that most
-- mentions of patients have exactly once. EHRID is used only if there is no other.
-- grain: one row per source; key: source_id
-- stored: whole
-- words: found_by (setting, merges, messages)
-- reads: evidence.patient_identifier, evidence.message, evidence.patient_id_type
-- columns:
--   source_id: Meta.Source.ID
--   id_type: the type
--   found_by: what decided: setting, merges or messages
with mention as (
  select
    source_id,
    message_id,
    path,
    id_type,
    count(*) as times,
    min(ordinal) as ordinal
  from evidence.patient_identifier
  where not is_previous
  group by source_id, message_id, path, id_type
),

merged as (
  select
    identifier.source_id,
    identifier.id_type,
    'merges' as found_by,
    2 as rank,
    count(*) as times,
    avg(identifier.ordinal) as ordinal
  from evidence.patient_identifier as identifier
  inner join evidence.message as message
    on message.message_id = identifier.message_id
    and message.data_model = 'PatientAdmin'
    and message.event_type = 'PatientMerge'
  where identifier.is_previous
  group by identifier.source_id, identifier.id_type
),

carried as (
  select
    source_id,
    id_type,
    'messages' as found_by,
    case when id_type = 'EHRID' then 4 else 3 end as rank,
    count(*) filter (where times = 1) as times,
    avg(ordinal) as ordinal
  from mention
  group by source_id, id_type
),

candidate as (
  select
    source_id,
    id_type,
    'setting' as found_by,
    1 as rank,
    1 as times,
    1 as ordinal
  from evidence.patient_id_type
  union all
  select
    source_id,
    id_type,
    found_by,
    rank,
    times,
    ordinal
  from merged
  union all
  select
    source_id,
    id_type,
    found_by,
    rank,
    times,
    ordinal
  from carried
)

select
  source_id,
  id_type,
  found_by
from candidate
qualify row_number() over (
  partition by source_id
  order by rank, times desc, ordinal, id_type
) = 1
