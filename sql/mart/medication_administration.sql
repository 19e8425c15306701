-- Doses that were given or not given: the newest message about each.
-- grain: one row per source, order (else patient), product and start; key: administration_id
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message_id, coalesce('I' || order_id,
--   'P' || patient_key), code_type, coalesce(code, description, ''), start_at
--   from evidence.administration) as carried
-- reads: evidence.administration, mart.encounter
-- columns:
--   administration_id: MD5 of source, order (else patient), product and start
--   order_id: order of the medication
--   patient_id: the patient, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   source_code_type: standard name of the code system; see evidence.code_system
--   source_code: code as received
--   source_description: name as received
--   rxnorm_code: RxNorm code, from the main or an additional code
--   ndc_code: NDC, from the main or an additional code
--   dose: quantity as received
--   dose_units: units as received
--   route: name of the route
--   lot_number: lot number
--   status: status as received
--   start_at: StartDate
--   start_date: UTC date of start_at
--   end_at: EndDate
--   end_date: UTC date of end_at
--   practitioner_id: ID of the administering provider
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with carried as (
  select
    *,
    coalesce('I' || order_id, 'P' || patient_key) as own_key,
    coalesce(code, description, '') as code_key
  from evidence.administration
),

state as (
  select
    source_id,
    own_key,
    code_type,
    code_key,
    start_at,
    arg_max(source_name, sequence) as source_name,
    arg_max(patient_id, sequence) as patient_id,
    arg_max(visit_id, sequence) as visit_id,
    arg_max(visit_number, sequence) as visit_number,
    arg_max(order_id, sequence) as order_id,
    arg_max(code, sequence) as code,
    arg_max(description, sequence) as description,
    arg_max(rxnorm_code, sequence) as rxnorm_code,
    arg_max(ndc_code, sequence) as ndc_code,
    arg_max(dose, sequence) as dose,
    arg_max(dose_units, sequence) as dose_units,
    arg_max(route, sequence) as route,
    arg_max(lot_number, sequence) as lot_number,
    arg_max(status, sequence) as status,
    arg_max(end_at, sequence) as end_at,
    arg_max(practitioner_id, sequence) as practitioner_id,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from carried
  group by source_id, own_key, code_type, code_key, start_at
)

select
  md5(
    concat_ws(
      '|',
      state.source_id,
      state.own_key,
      coalesce(state.code_type, ''),
      state.code_key,
      coalesce(cast(epoch_us(state.start_at) as varchar), '')
    )
  ) as administration_id,
  state.order_id,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id as data_source,
  state.source_name,
  state.code_type as source_code_type,
  state.code as source_code,
  state.description as source_description,
  state.rxnorm_code,
  state.ndc_code,
  state.dose,
  state.dose_units,
  state.route,
  state.lot_number,
  state.status,
  state.start_at,
  core.utc_date(state.start_at) as start_date,
  state.end_at,
  core.utc_date(state.end_at) as end_date,
  state.practitioner_id,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join mart.encounter
  on encounter.encounter_id = state.visit_id
