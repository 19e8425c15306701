-- Procedures that were done, according to summaries, bills and claims.
-- grain: one row per source, patient, code and time; key: procedure_id
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message_id, patient_key, code_type,
--   coalesce(code, description), performed_at from evidence.procedure
--   where coalesce(code, description) is not null) as carried
-- reads: evidence.procedure, mart.encounter
-- columns:
--   procedure_id: MD5 of source, patient, code system, code and time
--   patient_id: the patient, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   data_model: data model of the newest message
--   source_code_type: standard name of the code system; see evidence.code_system
--   source_code: code as received
--   source_description: name as received
--   cpt_code: the code, if its system is CPT
--   procedure_at: when it was done
--   procedure_date: UTC date of procedure_at
--   body_site: where on the body
--   status: status as received
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with carried as (
  select
    *,
    coalesce(code, description) as code_key
  from evidence.procedure
  where coalesce(code, description) is not null
),

state as (
  select
    source_id,
    patient_key,
    code_type,
    code_key,
    performed_at,
    any_value(patient_id) as patient_id,
    arg_max(source_name, sequence) as source_name,
    arg_max(visit_id, sequence) as visit_id,
    arg_max(visit_number, sequence) as visit_number,
    arg_max(data_model, sequence) as data_model,
    arg_max(code, sequence) as code,
    arg_max(description, sequence) as description,
    arg_max(body_site, sequence) as body_site,
    arg_max(status, sequence) as status,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from carried
  group by source_id, patient_key, code_type, code_key, performed_at
)

select
  md5(
    concat_ws(
      '|',
      state.source_id,
      state.patient_key,
      coalesce(state.code_type, ''),
      state.code_key,
      coalesce(cast(epoch_us(state.performed_at) as varchar), '')
    )
  ) as procedure_id,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id as data_source,
  state.source_name,
  state.data_model,
  state.code_type as source_code_type,
  state.code as source_code,
  state.description as source_description,
  case when state.code_type = 'CPT' then state.code end as cpt_code,
  state.performed_at as procedure_at,
  core.utc_date(state.performed_at) as procedure_date,
  state.body_site,
  state.status,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join mart.encounter
  on encounter.encounter_id = state.visit_id
