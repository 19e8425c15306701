-- Identifiers that are retired by a merge: the newest merge that lists one as previous is newer than the
-- newest that names it as survivor. A VisitMerge retires nothing.
-- grain: one row per retired identifier; key: source_id, id_type, id
-- stored: whole
-- reads: evidence.patient_identifier, evidence.message
-- columns:
--   source_id: Meta.Source.ID
--   id_type: type of the retired identifier
--   id: the retired identifier
--   survivor_id: the identifier of the same type that replaced it
--   sequence: rank in time of the merge
with merge as (
  select
    identifier.message_id,
    identifier.source_id,
    identifier.is_previous,
    identifier.ordinal,
    identifier.id_type,
    identifier.id,
    identifier.sequence
  from evidence.patient_identifier as identifier
  inner join evidence.message as message
    on message.message_id = identifier.message_id
    and message.data_model = 'PatientAdmin'
    and message.event_type = 'PatientMerge'
  where identifier.path = 'Patient'
),

survivor as (
  select
    message_id,
    id_type,
    arg_min(id, ordinal) as id
  from merge
  where not is_previous
  group by message_id, id_type
),

named as (
  select
    source_id,
    id_type,
    id,
    max(sequence) as sequence
  from merge
  where not is_previous
  group by source_id, id_type, id
),

retired as (
  select
    merge.source_id,
    merge.id_type,
    merge.id,
    max(merge.sequence) as sequence,
    arg_max(survivor.id, merge.sequence) as survivor_id
  from merge
  left join survivor
    on survivor.message_id = merge.message_id
    and survivor.id_type = merge.id_type
  where merge.is_previous
  group by merge.source_id, merge.id_type, merge.id
)

select
  retired.source_id,
  retired.id_type,
  retired.id,
  retired.survivor_id,
  retired.sequence
from retired
left join named
  on named.source_id = retired.source_id
  and named.id_type = retired.id_type
  and named.id = retired.id
where named.sequence is null
  or named.sequence < retired.sequence
