-- Charges on accounts, net of the credits that reverse them.
-- grain: one row per source and transaction id; key: charge_key
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message.message_id, transactions.id,
--   case when transactions.id is null then transactions.transactions_ordinal end
--   from financial.transactions as transactions inner join evidence.message as message
--   on message.message_id = transactions.message_id) as carried
-- reads: financial.transactions, financial.transactions_performers, evidence.message,
--   evidence.visit, evidence.code_system, mart.message_patient, mart.encounter
-- columns:
--   charge_key: MD5 of source and transaction id
--   charge_id: Transactions[].ID as received
--   patient_id: the patient, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   order_id: Transactions[].OrderID
--   source_code_type: standard name of the code system; see evidence.code_system
--   source_code: Procedure.Code, else Chargeable.Code
--   source_description: description of that code
--   cpt_code: the code, if its system is CPT
--   hcpcs_code: the code, if its system is HCPCS
--   ndc_code: NDC.Code
--   department: Department.Name
--   service_at: DateTimeOfService
--   service_date: UTC date of service_at
--   quantity: Chargeable.Quantity as a number
--   charged_amount: amount of the newest charge
--   credited_amount: amount of the newest credit; 0 if there is none
--   net_amount: charged_amount (0 if null) minus credited_amount
--   practitioner_id: the first performer's ID
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with performer as (
  select
    message_id,
    transactions_ordinal,
    arg_min(id, performers_ordinal) as id
  from financial.transactions_performers
  group by message_id, transactions_ordinal
),

carried as (
  select
    message.message_id,
    message.source_id,
    message.source_name,
    message.seen_at,
    message.sequence,
    message_patient.patient_id,
    visit.visit_number,
    transactions.id as charge_id,
    coalesce(
      'I' || transactions.id,
      concat('M', message.message_id, '.', transactions.transactions_ordinal)
    ) as own_key,
    coalesce(transactions.type = 'Credit', false) as is_credit,
    transactions.order_id,
    coalesce(transactions.procedure_code, transactions.chargeable_code) as code,
    case
      when transactions.procedure_code is not null then transactions.procedure_codeset
      else transactions.chargeable_codeset
    end as codeset,
    coalesce(
      transactions.procedure_description, transactions.chargeable_description
    ) as description,
    transactions.ndc_code,
    transactions.department_name,
    transactions.date_time_of_service as service_at,
    try_cast(transactions.chargeable_quantity as double) as quantity,
    transactions.chargeable_amount as amount,
    performer.id as practitioner_id
  from financial.transactions as transactions
  inner join evidence.message as message
    on message.message_id = transactions.message_id
  left join performer
    on performer.message_id = transactions.message_id
    and performer.transactions_ordinal = transactions.transactions_ordinal
  left join mart.message_patient
    on message_patient.message_id = transactions.message_id
    and message_patient.path = 'Patient'
  left join evidence.visit
    on visit.message_id = transactions.message_id
    and visit.path = 'Visit'
),

state as (
  select
    source_id,
    own_key,
    arg_max(source_name, sequence) as source_name,
    arg_max(patient_id, sequence) as patient_id,
    arg_max(visit_number, sequence) as visit_number,
    arg_max(charge_id, sequence) as charge_id,
    arg_max(order_id, sequence) as order_id,
    arg_max(code, sequence) as code,
    arg_max(codeset, sequence) as codeset,
    arg_max(description, sequence) as description,
    arg_max(ndc_code, sequence) as ndc_code,
    arg_max(department_name, sequence) as department_name,
    arg_max(service_at, sequence) as service_at,
    arg_max(quantity, sequence) as quantity,
    arg_max(practitioner_id, sequence) as practitioner_id,
    arg_max(amount, sequence) filter (where not is_credit) as charged_amount,
    coalesce(arg_max(abs(amount), sequence) filter (where is_credit), 0) as credited_amount,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from carried
  group by source_id, own_key
)

select
  md5(concat_ws('|', state.source_id, state.own_key)) as charge_key,
  state.charge_id,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id as data_source,
  state.source_name,
  state.order_id,
  core.code_system_name(code_system.code_system, state.codeset) as source_code_type,
  state.code as source_code,
  state.description as source_description,
  case when code_system.code_system = 'CPT' then state.code end as cpt_code,
  case when code_system.code_system = 'HCPCS' then state.code end as hcpcs_code,
  state.ndc_code,
  state.department_name as department,
  state.service_at,
  core.utc_date(state.service_at) as service_date,
  state.quantity,
  state.charged_amount,
  cast(state.credited_amount as decimal(18, 4)) as credited_amount,
  cast(
    coalesce(state.charged_amount, 0) - state.credited_amount as decimal(18, 4)
  ) as net_amount,
  state.practitioner_id,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join evidence.code_system
  on code_system.received = core.normal_key(state.codeset)
left join mart.encounter
  on encounter.encounter_id = state.source_id || ':' || state.visit_number
