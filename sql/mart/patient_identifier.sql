-- Every identifier by which sources name patients, with the patient to whom it leads now.
-- grain: one row per source, type and identifier; key: source_id, id_type, id
-- stored: whole
-- refers: patient_id -> mart.patient
-- ledger: select count(*) from (select distinct identifier.message_id, identifier.source_id,
--   identifier.id_type, identifier.id from evidence.patient_identifier as identifier
--   left join evidence.message as message on message.message_id = identifier.message_id
--   where not identifier.is_previous or message.event_type = 'PatientMerge') as carried
-- reads: evidence.patient_identifier, evidence.patient_merge, evidence.own_id_type,
--   evidence.patient_survivor, evidence.message, mart.message_patient
-- columns:
--   source_id: Meta.Source.ID; empty if there was none
--   id_type: IDType as received; empty if there was none
--   id: ID as received
--   patient_id: the patient to whom it leads, after merges; if several share it, the newest
--   is_own_type: true if the source names its patients by this type
--   is_current: true unless a merge retired it
--   retired_by: the identifier of the same type that replaced it in a merge
--   is_shared: true if several patients have it
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with carried as (
  select
    identifier.source_id,
    identifier.id_type,
    identifier.id,
    identifier.message_id,
    identifier.sequence,
    identifier.is_previous,
    message.seen_at,
    message_patient.patient_id,
    own_id_type.id_type is not null as is_own_type,
    case
      when own_id_type.id_type is not null
        then identifier.source_id || ':' || coalesce(patient_survivor.survivor_id, identifier.id)
    end as own_patient_id
  from evidence.patient_identifier as identifier
  inner join evidence.message as message
    on message.message_id = identifier.message_id
  left join mart.message_patient
    on message_patient.message_id = identifier.message_id
    and message_patient.path = identifier.path
  left join evidence.own_id_type
    on own_id_type.source_id = identifier.source_id
    and own_id_type.id_type = identifier.id_type
  left join evidence.patient_survivor
    on patient_survivor.source_id = identifier.source_id
    and patient_survivor.id = identifier.id
    and own_id_type.id_type is not null
  where not identifier.is_previous
    or message.event_type = 'PatientMerge'
),

gathered as (
  select
    source_id,
    id_type,
    id,
    any_value(is_own_type) as is_own_type,
    any_value(own_patient_id) as own_patient_id,
    arg_max(patient_id, sequence) filter (where not is_previous) as newest_patient_id,
    arg_max(patient_id, sequence) as merged_patient_id,
    count(distinct patient_id) filter (where not is_previous) as patients,
    bool_or(patient_id = own_patient_id) as is_patient,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from carried
  group by source_id, id_type, id
)

select
  gathered.source_id,
  gathered.id_type,
  gathered.id,
  case
    when gathered.is_patient then gathered.own_patient_id
    else coalesce(gathered.newest_patient_id, gathered.merged_patient_id)
  end as patient_id,
  gathered.is_own_type,
  patient_merge.id is null as is_current,
  patient_merge.survivor_id as retired_by,
  gathered.patients > 1 as is_shared,
  gathered.first_seen_at,
  core.utc_date(gathered.first_seen_at) as first_seen_date,
  gathered.last_seen_at,
  core.utc_date(gathered.last_seen_at) as last_seen_date,
  gathered.messages
from gathered
left join evidence.patient_merge
  on patient_merge.source_id = gathered.source_id
  and patient_merge.id_type = gathered.id_type
  and patient_merge.id = gathered.id
