-- Medications that were ordered or that a summary lists.
-- An order is cancelled if its newest event is Cancel, else active; an entry of a list has its own
-- status. An entry that the newest list no longer includes stays here, with is_on_latest_list false.
-- grain: one row per source and order ID, or for entries of lists per patient, product and start; key:
--   medication_id
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message_id, data_model = 'Medications',
--   case when data_model = 'Medications' then coalesce(order_id, 'message ' || message_id) end,
--   case when data_model <> 'Medications' then list end,
--   case when data_model <> 'Medications' then patient_key end,
--   case when data_model <> 'Medications' then coalesce(code, description, '') end,
--   case when data_model <> 'Medications' then start_at end
--   from evidence.medication) as carried
-- reads: evidence.medication, mart.encounter
-- columns:
--   medication_id: MD5 of source and order ID; for entries of lists, of source, list, patient, product
--     and start
--   order_id: Order.ID; null for entries of lists
--   patient_id: the patient, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   list: path of the newest list; Order for orders
--   source_code_type: standard name of the code system; see evidence.code_system
--   source_code: code as received
--   source_description: name as received
--   rxnorm_code: RxNorm code, from the main or an additional code
--   ndc_code: NDC, from the main or an additional code
--   dose: quantity as received
--   dose_units: units as received
--   route: name of the route
--   frequency_period: how often, as a number
--   frequency_unit: unit of frequency_period
--   sig: instructions for the patient, as free text
--   is_prn: true if taken as needed
--   status: active or cancelled for orders; as received for entries of lists
--   start_at: StartDate
--   start_date: UTC date of start_at
--   end_at: EndDate
--   end_date: UTC date of end_at
--   practitioner_id: ID of the ordering provider
--   is_on_latest_list: for entries of lists, true if the patient's newest list includes it; else null
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with carried as (
  select
    *,
    data_model = 'Medications' as is_order,
    case
      when data_model = 'Medications'
        then concat_ws('|', 'order', coalesce(order_id, 'message ' || message_id))
      else concat_ws(
        '|',
        list,
        patient_key,
        coalesce(code, description, ''),
        coalesce(cast(epoch_us(start_at) as varchar), '')
      )
    end as own_key
  from evidence.medication
),

latest as (
  select
    patient_key,
    list,
    max(sequence) as sequence
  from carried
  where not is_order
  group by patient_key, list
),

state as (
  select
    source_id,
    own_key,
    is_order,
    arg_max(source_name, sequence) as source_name,
    arg_max(patient_id, sequence) as patient_id,
    arg_max(patient_key, sequence) as patient_key,
    arg_max(visit_id, sequence) as visit_id,
    arg_max(visit_number, sequence) as visit_number,
    arg_max(list, sequence) as list,
    arg_max(order_id, sequence) as order_id,
    arg_max(code_type, sequence) as code_type,
    arg_max(code, sequence) as code,
    arg_max(description, sequence) as description,
    arg_max(rxnorm_code, sequence) as rxnorm_code,
    arg_max(ndc_code, sequence) as ndc_code,
    arg_max(dose, sequence) as dose,
    arg_max(dose_units, sequence) as dose_units,
    arg_max(route, sequence) as route,
    arg_max(frequency_period, sequence) as frequency_period,
    arg_max(frequency_unit, sequence) as frequency_unit,
    arg_max(sig, sequence) as sig,
    arg_max(is_prn, sequence) as is_prn,
    arg_max(status, sequence) as status,
    arg_max(start_at, sequence) as start_at,
    arg_max(end_at, sequence) as end_at,
    arg_max(practitioner_id, sequence) as practitioner_id,
    arg_max(event_type, sequence) as newest_event,
    max(sequence) as sequence,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from carried
  group by source_id, own_key, is_order
)

select
  md5(concat_ws('|', state.source_id, state.own_key)) as medication_id,
  state.order_id,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id as data_source,
  state.source_name,
  state.list,
  state.code_type as source_code_type,
  state.code as source_code,
  state.description as source_description,
  state.rxnorm_code,
  state.ndc_code,
  state.dose,
  state.dose_units,
  state.route,
  state.frequency_period,
  state.frequency_unit,
  state.sig,
  state.is_prn,
  case
    when not state.is_order then state.status
    when state.newest_event = 'Cancel' then 'cancelled'
    else 'active'
  end as status,
  state.start_at,
  core.utc_date(state.start_at) as start_date,
  state.end_at,
  core.utc_date(state.end_at) as end_date,
  state.practitioner_id,
  case when not state.is_order then state.sequence = latest.sequence end as is_on_latest_list,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join latest
  on latest.patient_key = state.patient_key
  and latest.list = state.list
  and not state.is_order
left join mart.encounter
  on encounter.encounter_id = state.visit_id
