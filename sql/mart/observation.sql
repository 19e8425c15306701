-- Observations: vital signs and other entries from flowsheets, devices and summaries.
-- grain: one row per source, patient, code, time and value; key: observation_id
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message_id, patient_key, code_type,
--   coalesce(code, description, ''), observed_at, coalesce(value, coded_value)
--   from evidence.observation where coalesce(value, coded_value) is not null) as carried
-- reads: evidence.observation, evidence.abnormal_flag, mart.encounter
-- columns:
--   observation_id: MD5 of source, patient, code, time and value
--   patient_id: the patient, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   data_model: data model of the newest message
--   list: path of the newest list
--   source_code_type: standard name of the code system; see evidence.code_system
--   source_code: code as received
--   source_description: name as received
--   loinc_code: the code, if its system is LOINC
--   observed_at: when it was observed
--   observed_date: UTC date of observed_at
--   result: value as received, else the name of the coded value
--   result_number: the number, if the whole text is a number, with or without a comparator
--   comparator: <, <=, > or >= in front of the number
--   value_type: ValueType
--   units: units as received
--   normal_range_low: ReferenceRange.Low
--   normal_range_high: ReferenceRange.High
--   abnormal_flag: flag as received
--   is_abnormal: true if the flag says abnormal, false if it says normal, else null
--   status: status as received
--   practitioner_id: ID of the observer
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with carried as (
  select
    *,
    coalesce(code, description, '') as code_key,
    coalesce(value, coded_value) as result
  from evidence.observation
  where coalesce(value, coded_value) is not null
),

state as (
  select
    source_id,
    patient_key,
    code_type,
    code_key,
    observed_at,
    result,
    any_value(patient_id) as patient_id,
    arg_max(source_name, sequence) as source_name,
    arg_max(visit_id, sequence) as visit_id,
    arg_max(visit_number, sequence) as visit_number,
    arg_max(data_model, sequence) as data_model,
    arg_max(list, sequence) as list,
    arg_max(code, sequence) as code,
    arg_max(description, sequence) as description,
    arg_max(value_type, sequence) as value_type,
    arg_max(units, sequence) as units,
    arg_max(normal_range_low, sequence) as normal_range_low,
    arg_max(normal_range_high, sequence) as normal_range_high,
    arg_max(abnormal_flag, sequence) as abnormal_flag,
    arg_max(status, sequence) as status,
    arg_max(practitioner_id, sequence) as practitioner_id,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from carried
  group by source_id, patient_key, code_type, code_key, observed_at, result
)

select
  md5(
    concat_ws(
      '|',
      state.source_id,
      state.patient_key,
      coalesce(state.code_type, ''),
      state.code_key,
      coalesce(cast(epoch_us(state.observed_at) as varchar), ''),
      state.result
    )
  ) as observation_id,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id as data_source,
  state.source_name,
  state.data_model,
  state.list,
  state.code_type as source_code_type,
  state.code as source_code,
  state.description as source_description,
  case when state.code_type = 'LOINC' then state.code end as loinc_code,
  state.observed_at,
  core.utc_date(state.observed_at) as observed_date,
  state.result,
  core.number_of(state.result) as result_number,
  core.comparator_of(state.result) as comparator,
  state.value_type,
  state.units,
  try_cast(state.normal_range_low as double) as normal_range_low,
  try_cast(state.normal_range_high as double) as normal_range_high,
  state.abnormal_flag,
  abnormal_flag.is_abnormal,
  state.status,
  state.practitioner_id,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join mart.encounter
  on encounter.encounter_id = state.visit_id
left join evidence.abnormal_flag
  on abnormal_flag.received = core.normal_key(state.abnormal_flag)
