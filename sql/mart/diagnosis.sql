-- Diagnoses of patients: problems on summaries, diagnoses of visits, diagnoses on bills.
-- A problem that the patient's newest list no longer includes stays here, with is_on_latest_list false.
-- Conditions that a message says are absent (a negative indicator) are left out.
-- grain: one row per patient, condition type, code and (except for problems) visit; key: condition_id
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- words: condition_type (problem, encounter, billing)
-- not before: resolved_at >= onset_at, last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message_id, patient_key,
--   case when data_model in ('Claim', 'Financial') then 'b'
--   when list in ('Problems[]', 'ResolvedProblems[]') then 'p' else 'e' || coalesce(visit_id, '') end,
--   case when data_model in ('Claim', 'Financial') then visit_id end,
--   code_type, coalesce(code, description) from evidence.diagnosis
--   where coalesce(code, description) is not null and not coalesce(is_negative, false)) as listed
-- reads: evidence.diagnosis, mart.encounter
-- columns:
--   condition_id: MD5 of source, patient, condition type, code system, code (or text) and visit
--   patient_id: the patient, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   condition_type: problem, encounter or billing
--   list: path of the newest list that includes it
--   source_code_type: standard name of the code system; see evidence.code_system
--   source_code: code as received
--   icd10_code: the code, if its system is ICD-10-CM
--   snomed_code: the code, if its system is SNOMED-CT
--   description: name as received
--   diagnosis_type: Type in the list, such as Admitting, or the category of the problem
--   diagnosis_rank: 1-based position on the newest list
--   status: status as received
--   onset_at: StartDate
--   onset_date: UTC date of onset_at
--   resolved_at: EndDate
--   resolved_date: UTC date of resolved_at
--   documented_at: DocumentedDateTime, else when the newest message that includes it was sent
--   documented_date: UTC date of documented_at
--   is_on_latest_list: for problems, true if the patient's newest list includes it; else null
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with listed as (
  select
    *,
    case
      when data_model in ('Claim', 'Financial') then 'billing'
      when list in ('Problems[]', 'ResolvedProblems[]') then 'problem'
      else 'encounter'
    end as condition_type,
    case
      when list not in ('Problems[]', 'ResolvedProblems[]') then visit_number
    end as own_visit_number,
    coalesce(code, description) as code_key
  from evidence.diagnosis
  where coalesce(code, description) is not null
    and not coalesce(is_negative, false)
),

latest as (
  select
    patient_key,
    max(sequence) as sequence
  from listed
  where condition_type = 'problem'
  group by patient_key
),

state as (
  select
    source_id,
    patient_key,
    condition_type,
    code_type,
    code_key,
    own_visit_number as visit_number,
    any_value(patient_id) as patient_id,
    arg_max(source_name, sequence) as source_name,
    arg_max(list, sequence) as list,
    arg_max(code, sequence) as code,
    arg_max(description, sequence) as description,
    arg_max(source_type, sequence) as source_type,
    arg_max(ordinal, sequence) as ordinal,
    arg_max(status, sequence) as status,
    arg_max(onset_at, sequence) as onset_at,
    arg_max(resolved_at, sequence) as resolved_at,
    arg_max(documented_at, sequence) as documented_at,
    arg_max(happened_at, sequence) as happened_at,
    max(sequence) as sequence,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from listed
  group by source_id, patient_key, condition_type, code_type, code_key, own_visit_number
)

select
  md5(
    concat_ws(
      '|',
      state.source_id,
      state.patient_key,
      state.condition_type,
      coalesce(state.code_type, ''),
      state.code_key,
      coalesce(state.visit_number, '')
    )
  ) as condition_id,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id as data_source,
  state.source_name,
  state.condition_type,
  state.list,
  state.code_type as source_code_type,
  state.code as source_code,
  case when state.code_type = 'ICD-10-CM' then state.code end as icd10_code,
  case when state.code_type = 'SNOMED-CT' then state.code end as snomed_code,
  state.description,
  state.source_type as diagnosis_type,
  state.ordinal as diagnosis_rank,
  state.status,
  state.onset_at,
  core.utc_date(state.onset_at) as onset_date,
  state.resolved_at,
  core.utc_date(state.resolved_at) as resolved_date,
  coalesce(state.documented_at, state.happened_at) as documented_at,
  core.utc_date(coalesce(state.documented_at, state.happened_at)) as documented_date,
  case
    when state.condition_type = 'problem' then state.sequence = latest.sequence
  end as is_on_latest_list,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join latest
  on latest.patient_key = state.patient_key
left join mart.encounter
  on encounter.encounter_id = state.source_id || ':' || state.visit_number
