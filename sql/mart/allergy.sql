-- Allergies of patients, including statements that there is none (is_negative is true).
-- An allergy that the patient's newest list no longer includes stays here, with is_on_latest_list false.
-- grain: one row per source, patient, substance and is_negative; key: allergy_id
-- stored: whole
-- refers: patient_id -> mart.patient
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message_id, patient_key, code_type,
--   coalesce(code, description, ''), coalesce(is_negative, false) from evidence.allergy) as carried
-- reads: evidence.allergy
-- columns:
--   allergy_id: MD5 of source, patient, code system, code and is_negative
--   patient_id: the patient, after merges
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   source_code_type: standard name of the code system; see evidence.code_system
--   source_code: code as received
--   source_description: name as received
--   allergy_type: Type.Name
--   is_negative: the message says that the patient does not have it, such as no known allergies
--   severity: severity as received
--   criticality: criticality as received
--   reaction: the first reaction
--   status: status as received
--   onset_at: when it began
--   onset_date: UTC date of onset_at
--   is_on_latest_list: true if the patient's newest list includes it
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with carried as (
  select
    *,
    coalesce(code, description, '') as code_key,
    coalesce(is_negative, false) as is_absent
  from evidence.allergy
),

latest as (
  select
    patient_key,
    max(sequence) as sequence
  from carried
  group by patient_key
),

state as (
  select
    source_id,
    patient_key,
    code_type,
    code_key,
    is_absent,
    any_value(patient_id) as patient_id,
    arg_max(source_name, sequence) as source_name,
    arg_max(code, sequence) as code,
    arg_max(description, sequence) as description,
    arg_max(allergy_type, sequence) as allergy_type,
    arg_max(severity, sequence) as severity,
    arg_max(criticality, sequence) as criticality,
    arg_max(reaction, sequence) as reaction,
    arg_max(status, sequence) as status,
    arg_max(onset_at, sequence) as onset_at,
    max(sequence) as sequence,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from carried
  group by source_id, patient_key, code_type, code_key, is_absent
)

select
  md5(
    concat_ws(
      '|',
      state.source_id,
      state.patient_key,
      coalesce(state.code_type, ''),
      state.code_key,
      state.is_absent
    )
  ) as allergy_id,
  state.patient_id,
  state.source_id as data_source,
  state.source_name,
  state.code_type as source_code_type,
  state.code as source_code,
  state.description as source_description,
  state.allergy_type,
  state.is_absent as is_negative,
  state.severity,
  state.criticality,
  state.reaction,
  state.status,
  state.onset_at,
  core.utc_date(state.onset_at) as onset_date,
  state.sequence = latest.sequence as is_on_latest_list,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join latest
  on latest.patient_key = state.patient_key
