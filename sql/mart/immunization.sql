-- Vaccinations that were given or refused: the newest record of each, without deleted records.
-- grain: one row per source, patient, product and time; key: immunization_id
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- not before: last_seen_at >= first_seen_at
-- reads: evidence.immunization, mart.encounter
-- columns:
--   immunization_id: MD5 of source, patient, product and time
--   patient_id: the patient, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   source_code_type: standard name of the code system; see evidence.code_system
--   source_code: code as received
--   source_description: name as received
--   cvx_code: the code, if its system is CVX
--   occurrence_at: when it was given
--   occurrence_date: UTC date of occurrence_at
--   lot_number: lot number
--   manufacturer: manufacturer
--   dose: quantity as received
--   dose_units: units as received
--   route: name of the route
--   body_site: where on the body it was given
--   status: status as received
--   reason_not_given: why it was not given
--   practitioner_id: ID of the vaccinating provider
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with carried as (
  select
    *,
    coalesce(code, description, '') as code_key
  from evidence.immunization
),

state as (
  select
    source_id,
    patient_key,
    code_type,
    code_key,
    occurrence_at,
    any_value(patient_id) as patient_id,
    coalesce(arg_max(coalesce(action, ''), sequence) = 'Delete', false) as is_deleted,
    arg_max(source_name, sequence) as source_name,
    arg_max(visit_id, sequence) as visit_id,
    arg_max(visit_number, sequence) as visit_number,
    arg_max(code, sequence) as code,
    arg_max(description, sequence) as description,
    arg_max(lot_number, sequence) as lot_number,
    arg_max(manufacturer, sequence) as manufacturer,
    arg_max(dose, sequence) as dose,
    arg_max(dose_units, sequence) as dose_units,
    arg_max(route, sequence) as route,
    arg_max(body_site, sequence) as body_site,
    arg_max(status, sequence) as status,
    arg_max(reason_not_given, sequence) as reason_not_given,
    arg_max(practitioner_id, sequence) as practitioner_id,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from carried
  group by source_id, patient_key, code_type, code_key, occurrence_at
)

select
  md5(
    concat_ws(
      '|',
      state.source_id,
      state.patient_key,
      coalesce(state.code_type, ''),
      state.code_key,
      coalesce(cast(epoch_us(state.occurrence_at) as varchar), '')
    )
  ) as immunization_id,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id as data_source,
  state.source_name,
  state.code_type as source_code_type,
  state.code as source_code,
  state.description as source_description,
  case when state.code_type = 'CVX' then state.code end as cvx_code,
  state.occurrence_at,
  core.utc_date(state.occurrence_at) as occurrence_date,
  state.lot_number,
  state.manufacturer,
  state.dose,
  state.dose_units,
  state.route,
  state.body_site,
  state.status,
  state.reason_not_given,
  state.practitioner_id,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join mart.encounter
  on encounter.encounter_id = state.visit_id
where not state.is_deleted
