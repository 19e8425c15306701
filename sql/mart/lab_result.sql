-- Results of orders, the newest version of each.
-- A component that a later report leaves out keeps its last value and status. Deleted and cancelled
-- results stay, with that status. Value, units, range and flag are taken together from one report.
-- grain: one row per source, order, component code and repetition; key: lab_result_id
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- words: normalized_status (preliminary, final, corrected, cancelled, deleted, pending, unknown)
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct result.message_id,
--   coalesce('I' || orders.id, 'A' || orders.application_order_id, 'M'), result.code,
--   row_number() over (partition by result.message_id,
--   coalesce('I' || orders.id, 'A' || orders.application_order_id, 'M'), result.code
--   order by result.orders_ordinal, result.results_ordinal) from results.orders_results as result
--   semi join evidence.message as message on message.message_id = result.message_id
--   left join results.orders as orders on orders.message_id = result.message_id
--   and orders.orders_ordinal = result.orders_ordinal) as reported
-- reads: results.orders, results.orders_results, evidence.message, evidence.visit,
--   evidence.abnormal_flag, evidence.result_status, evidence.code_system, mart.message_patient,
--   mart.encounter
-- columns:
--   lab_result_id: MD5 of source, order, component code and repetition
--   patient_id: the patient that the newest report names, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   accession_number: Orders[].ID
--   application_order_id: Orders[].ApplicationOrderID
--   source_order_code: Orders[].Procedure.Code
--   source_order_code_type: standard name of the code system; see evidence.code_system
--   source_order_description: Orders[].Procedure.Description
--   source_component_code: Orders[].Results[].Code
--   source_component_code_type: standard name of the code system
--   source_component_description: Orders[].Results[].Description
--   loinc_code: the component code where its system is LOINC
--   repetition: 1-based position among the results of one order and code
--   result: Orders[].Results[].Value as received
--   result_number: the number, if the whole text is a number, with or without a comparator
--   comparator: <, <=, > or >= in front of the number
--   value_type: Orders[].Results[].ValueType
--   units: units as received
--   normal_range_low: Orders[].Results[].ReferenceRange.Low
--   normal_range_high: Orders[].Results[].ReferenceRange.High
--   normal_range_text: Orders[].Results[].ReferenceRange.Text
--   abnormal_flag: flag as received
--   is_abnormal: true if the flag says abnormal, false if it says normal, else null; see evidence.abnormal_flag
--   status: Orders[].Results[].Status as received, else Orders[].ResultsStatus
--   normalized_status: the same as one of a few words; see evidence.result_status
--   specimen_source: Orders[].Results[].Specimen.Source
--   ordering_practitioner_id: Orders[].Provider.ID
--   ordering_practitioner_npi: Orders[].Provider.NPI
--   collected_at: Orders[].CollectionDateTime
--   collected_date: UTC date of collected_at
--   resulted_at: Orders[].Results[].CompletionDateTime, else the order's
--   resulted_date: UTC date of resulted_at
--   first_seen_at: when the result was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of reports that include the result
with reported as (
  select
    message.message_id,
    message.source_id,
    message.source_name,
    message.seen_at,
    message.sequence,
    coalesce(
      'I' || orders.id, 'A' || orders.application_order_id, 'M' || message.message_id
    ) as order_key,
    orders.id as accession_number,
    orders.application_order_id,
    orders.procedure_code,
    orders.procedure_codeset,
    orders.procedure_description,
    coalesce(orders.provider_id, orders.provider_npi) as provider_id,
    orders.provider_npi,
    orders.collection_date_time,
    coalesce(result.code, '') as component_key,
    result.code,
    result.codeset,
    result.description,
    row_number() over (
      partition by
        message.message_id,
        coalesce('I' || orders.id, 'A' || orders.application_order_id, 'M'),
        result.code
      order by result.orders_ordinal, result.results_ordinal
    ) as repetition,
    case
      when result.value is not null
        then struct_pack(
          value := result.value,
          value_type := result.value_type,
          units := result.units,
          low := result.reference_range_low,
          high := result.reference_range_high,
          range_text := result.reference_range_text,
          flag := result.abnormal_flag
        )
    end as measured,
    coalesce(result.status, orders.results_status) as status,
    result.specimen_source,
    coalesce(result.completion_date_time, orders.completion_date_time) as resulted_at,
    coalesce(of_order.patient_id, of_message.patient_id) as patient_id,
    coalesce(order_visit.visit_number, message_visit.visit_number) as visit_number
  from results.orders_results as result
  inner join evidence.message as message
    on message.message_id = result.message_id
  left join results.orders as orders
    on orders.message_id = result.message_id
    and orders.orders_ordinal = result.orders_ordinal
  left join mart.message_patient as of_message
    on of_message.message_id = result.message_id
    and of_message.path = 'Patient'
  left join mart.message_patient as of_order
    on of_order.message_id = result.message_id
    and of_order.path = concat('Orders[', result.orders_ordinal, '].Patient')
  left join evidence.visit as message_visit
    on message_visit.message_id = result.message_id
    and message_visit.path = 'Visit'
  left join evidence.visit as order_visit
    on order_visit.message_id = result.message_id
    and order_visit.path = concat('Orders[', result.orders_ordinal, '].Visit')
),

state as (
  select
    source_id,
    order_key,
    component_key,
    repetition,
    arg_max(source_name, sequence) as source_name,
    arg_max(patient_id, sequence) as patient_id,
    arg_max(visit_number, sequence) as visit_number,
    arg_max(accession_number, sequence) as accession_number,
    arg_max(application_order_id, sequence) as application_order_id,
    arg_max(procedure_code, sequence) as procedure_code,
    arg_max(procedure_codeset, sequence) as procedure_codeset,
    arg_max(procedure_description, sequence) as procedure_description,
    arg_max(code, sequence) as code,
    arg_max(codeset, sequence) as codeset,
    arg_max(description, sequence) as description,
    arg_max(measured, sequence) as measured,
    arg_max(status, sequence) as status,
    arg_max(specimen_source, sequence) as specimen_source,
    arg_max(provider_id, sequence) as provider_id,
    arg_max(provider_npi, sequence) as provider_npi,
    arg_max(collection_date_time, sequence) as collected_at,
    arg_max(resulted_at, sequence) as resulted_at,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from reported
  group by source_id, order_key, component_key, repetition
)

select
  md5(concat_ws('|', state.source_id, order_key, component_key, repetition)) as lab_result_id,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id as data_source,
  state.source_name,
  state.accession_number,
  state.application_order_id,
  state.procedure_code as source_order_code,
  core.code_system_name(order_system.code_system, state.procedure_codeset)
    as source_order_code_type,
  state.procedure_description as source_order_description,
  state.code as source_component_code,
  core.code_system_name(component_system.code_system, state.codeset)
    as source_component_code_type,
  state.description as source_component_description,
  case when component_system.code_system = 'LOINC' then state.code end as loinc_code,
  state.repetition,
  state.measured.value as result,
  core.number_of(state.measured.value) as result_number,
  core.comparator_of(state.measured.value) as comparator,
  state.measured.value_type as value_type,
  state.measured.units as units,
  state.measured.low as normal_range_low,
  state.measured.high as normal_range_high,
  state.measured.range_text as normal_range_text,
  state.measured.flag as abnormal_flag,
  abnormal_flag.is_abnormal,
  state.status,
  coalesce(result_status.status, 'unknown') as normalized_status,
  state.specimen_source,
  state.provider_id as ordering_practitioner_id,
  state.provider_npi as ordering_practitioner_npi,
  state.collected_at,
  core.utc_date(state.collected_at) as collected_date,
  state.resulted_at,
  core.utc_date(state.resulted_at) as resulted_date,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join mart.encounter
  on encounter.encounter_id = state.source_id || ':' || state.visit_number
left join evidence.abnormal_flag
  on abnormal_flag.received = core.normal_key(state.measured.flag)
left join evidence.result_status
  on result_status.received = core.normal_key(state.status)
left join evidence.code_system as order_system
  on order_system.received = core.normal_key(state.procedure_codeset)
left join evidence.code_system as component_system
  on component_system.received = core.normal_key(state.codeset)
