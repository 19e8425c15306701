-- Orders as the newest message describes them, with what results add.
-- grain: one row per source and order ID (application order ID if there is none); key: order_key
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message_id, coalesce('I' || order_id,
--   'A' || application_order_id) from evidence.orders
--   where coalesce(order_id, application_order_id) is not null) as named
-- reads: evidence.orders, mart.encounter
-- columns:
--   order_key: MD5 of source and order ID
--   order_id: Order.ID, the number given by who placed the order
--   application_order_id: Order.ApplicationOrderID, the number given by who fills the order
--   patient_id: the patient, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   source_id: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   source_order_code_type: standard name of the code system; see evidence.code_system
--   source_order_code: Order.Procedure.Code
--   description: Order.Procedure.Description
--   loinc_code: the code, if its system is LOINC
--   cpt_code: the code, if its system is CPT
--   status: Order.Status as received; Cancel if the order was cancelled
--   is_cancelled: true if the newest message about the order itself cancels it
--   priority: Order.Priority
--   specimen_source: Order.Specimen.Source
--   ordered_at: Order.TransactionDateTime
--   ordered_date: UTC date of ordered_at
--   collected_at: Order.CollectionDateTime
--   collected_date: UTC date of collected_at
--   practitioner_id: Order.Provider.ID
--   practitioner_npi: Order.Provider.NPI
--   result_status: Orders[].ResultsStatus of the newest report
--   first_result_at: when the first report was sent
--   first_result_date: UTC date of first_result_at
--   reports: number of Results messages about it
--   turnaround_hours: hours from order to first report
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with state as (
  select
    source_id,
    coalesce('I' || order_id, 'A' || application_order_id) as own_key,
    arg_max(source_name, sequence) as source_name,
    arg_max(patient_id, sequence) as patient_id,
    arg_max(visit_id, sequence) as visit_id,
    arg_max(visit_number, sequence) as visit_number,
    arg_max(order_id, sequence) as order_id,
    arg_max(application_order_id, sequence) as application_order_id,
    arg_max(code, sequence) as code,
    arg_max(code_type, sequence) as code_type,
    arg_max(description, sequence) as description,
    arg_max(status, sequence) as status,
    arg_max(priority, sequence) as priority,
    arg_max(specimen_source, sequence) as specimen_source,
    arg_max(ordered_at, sequence) as ordered_at,
    arg_max(collected_at, sequence) as collected_at,
    arg_max(practitioner_id, sequence) as practitioner_id,
    arg_max(practitioner_npi, sequence) as practitioner_npi,
    arg_max(result_status, sequence) filter (where data_model = 'Results') as result_status,
    arg_max(event_type, sequence) filter (where data_model = 'Order') as newest_event,
    min(happened_at) filter (where data_model = 'Results') as first_result_at,
    count(distinct message_id) filter (where data_model = 'Results') as reports,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from evidence.orders
  where coalesce(order_id, application_order_id) is not null
  group by all
)

select
  md5(concat_ws('|', state.source_id, state.own_key)) as order_key,
  state.order_id,
  state.application_order_id,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id,
  state.source_name,
  state.code_type as source_order_code_type,
  state.code as source_order_code,
  state.description,
  case when state.code_type = 'LOINC' then state.code end as loinc_code,
  case when state.code_type = 'CPT' then state.code end as cpt_code,
  state.status,
  coalesce(state.newest_event = 'Cancel', false) as is_cancelled,
  state.priority,
  state.specimen_source,
  state.ordered_at,
  core.utc_date(state.ordered_at) as ordered_date,
  state.collected_at,
  core.utc_date(state.collected_at) as collected_date,
  state.practitioner_id,
  state.practitioner_npi,
  state.result_status,
  state.first_result_at,
  core.utc_date(state.first_result_at) as first_result_date,
  state.reports,
  epoch(state.first_result_at - state.ordered_at) / 3600 as turnaround_hours,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join mart.encounter
  on encounter.encounter_id = state.visit_id
