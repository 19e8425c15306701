-- Claim lines as last submitted, with the decision of the newest payment.
-- Lines without a claim number are left out, because nothing could be joined to them.
-- grain: one row per source, claim and line; key: claim_line_id
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message_id, claim_id, line_number
--   from evidence.claim_line where claim_id is not null) as carried
-- reads: evidence.claim_line, evidence.code_system, mart.encounter
-- columns:
--   claim_line_id: MD5 of source, claim and line
--   claim_id: the number under which the claim was submitted
--   claim_line_number: ID of the line, or its position if it has none
--   patient_id: the patient, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   source_code_type: standard name of the code system; see evidence.code_system
--   source_code: code of the procedure or service
--   source_description: name of the procedure or service
--   cpt_code: the code, if its system is CPT
--   hcpcs_code: the code, if its system is HCPCS
--   revenue_code: RevenueCode
--   service_at: when the service began
--   service_date: UTC date of service_at
--   service_end_at: when the service ended
--   service_end_date: UTC date of service_end_at
--   units: units charged, as a number
--   charged_amount: amount charged
--   allowed_amount: amount that the newest payment allows
--   paid_amount: amount that the newest payment pays
--   claim_status: status of the claim in the newest payment
--   payments: number of messages that report a payment of it
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with state as (
  select
    source_id,
    claim_id,
    line_number,
    arg_max(source_name, sequence) as source_name,
    arg_max(patient_id, sequence) as patient_id,
    arg_max(visit_number, sequence) as visit_number,
    arg_max(description, sequence) as description,
    arg_max(revenue_code, sequence) as revenue_code,
    arg_max(service_at, sequence) as service_at,
    arg_max(service_end_at, sequence) as service_end_at,
    arg_max(units, sequence) as units,
    arg_max(charged_amount, sequence) as charged_amount,
    arg_max(claim_status, sequence) as claim_status,
    arg_max(struct_pack(code := code, codeset := codeset), sequence) filter (
      where code is not null
    ) as coded,
    arg_max(allowed_amount, sequence) filter (where is_payment) as allowed_amount,
    arg_max(paid_amount, sequence) filter (where is_payment) as paid_amount,
    count(distinct message_id) filter (where is_payment) as payments,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from evidence.claim_line
  where claim_id is not null
  group by source_id, claim_id, line_number
)

select
  md5(concat_ws('|', state.source_id, state.claim_id, state.line_number)) as claim_line_id,
  state.claim_id,
  state.line_number as claim_line_number,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id as data_source,
  state.source_name,
  core.code_system_name(code_system.code_system, state.coded.codeset) as source_code_type,
  state.coded.code as source_code,
  state.description as source_description,
  case when code_system.code_system = 'CPT' then state.coded.code end as cpt_code,
  case when code_system.code_system = 'HCPCS' then state.coded.code end as hcpcs_code,
  state.revenue_code,
  state.service_at,
  core.utc_date(state.service_at) as service_date,
  state.service_end_at,
  core.utc_date(state.service_end_at) as service_end_date,
  state.units,
  state.charged_amount,
  state.allowed_amount,
  state.paid_amount,
  state.claim_status,
  state.payments,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join evidence.code_system
  on code_system.received = core.normal_key(state.coded.codeset)
left join mart.encounter
  on encounter.encounter_id = state.source_id || ':' || state.visit_number
