-- Claim lines as submitted and as paid, from all shapes that claims have had.
-- grain: one row per message and line, of either kind
-- stored: whole
-- reads: claim.batch_claims,
--   claim.batch_claims_lines,
--   claim.batch_payments,
--   claim.batch_payments_claim_services,
--   claim.batch_payments_claim_services_reference_numbers,
--   claim.claims,
--   claim.claims_lines,
--   claim.paid_claims,
--   claim.paid_claims_services,
--   claim.paid_claims_services_reference_numbers,
--   claim.payments,
--   claim.payments_claim_services,
--   claim.payments_claim_services_reference_numbers,
--   claim.submitted_claims,
--   claim.submitted_claims_services,
--   evidence.message, mart.message_patient
-- A payment names its line by a reference number, preferably one whose type says line, else by position.
with listed as (
  select
    line.message_id,
    'Patient' as patient_path,
    claim.visit_visit_number as visit_number,
    claim.id as claim_id,
    coalesce(line.id, cast(line.lines_ordinal as varchar)) as line_number,
    false as is_payment,
    line.procedure_code as code,
    line.procedure_code_set as codeset,
    line.procedure_name as description,
    line.revenue_code as revenue_code,
    line.service_date_time as service_at,
    line.service_end_date_time as service_end_at,
    try_cast(line.unit_count as double) as units,
    try_cast(line.amount as decimal(18, 4)) as charged_amount,
    cast(null as decimal(18, 4)) as allowed_amount,
    cast(null as decimal(18, 4)) as paid_amount,
    cast(null as varchar) as claim_status
  from claim.claims_lines as line
  inner join claim.claims as claim
    on line.message_id = claim.message_id and line.claims_ordinal = claim.claims_ordinal
  union all
  select
    line.message_id,
    concat('Batch[', line.batch_ordinal, '].Patient') as patient_path,
    claim.visit_visit_number as visit_number,
    claim.id as claim_id,
    coalesce(line.id, cast(line.lines_ordinal as varchar)) as line_number,
    false as is_payment,
    line.procedure_code as code,
    line.procedure_code_set as codeset,
    line.procedure_name as description,
    line.revenue_code as revenue_code,
    line.service_date_time as service_at,
    line.service_end_date_time as service_end_at,
    try_cast(line.unit_count as double) as units,
    try_cast(line.amount as decimal(18, 4)) as charged_amount,
    cast(null as decimal(18, 4)) as allowed_amount,
    cast(null as decimal(18, 4)) as paid_amount,
    cast(null as varchar) as claim_status
  from claim.batch_claims_lines as line
  inner join claim.batch_claims as claim
    on line.message_id = claim.message_id and line.batch_ordinal = claim.batch_ordinal and line.claims_ordinal = claim.claims_ordinal
  union all
  select
    line.message_id,
    concat(
      'Transactions[', line.transactions_ordinal,
      '].Submissions[', line.submissions_ordinal,
      '].Subscribers[', line.subscribers_ordinal,
      '].Patients[', line.patients_ordinal, ']'
    ) as patient_path,
    claim.visit_visit_number as visit_number,
    claim.submission_number as claim_id,
    cast(line.services_ordinal as varchar) as line_number,
    false as is_payment,
    line.code as code,
    line.codeset as codeset,
    line.description as description,
    line.revenue_code as revenue_code,
    line.start_date_time as service_at,
    line.end_date_time as service_end_at,
    try_cast(line.quantity_value as double) as units,
    try_cast(line.amount as decimal(18, 4)) as charged_amount,
    cast(null as decimal(18, 4)) as allowed_amount,
    cast(null as decimal(18, 4)) as paid_amount,
    cast(null as varchar) as claim_status
  from claim.submitted_claims_services as line
  inner join claim.submitted_claims as claim
    on line.message_id = claim.message_id and line.transactions_ordinal = claim.transactions_ordinal and line.submissions_ordinal = claim.submissions_ordinal and line.subscribers_ordinal = claim.subscribers_ordinal and line.patients_ordinal = claim.patients_ordinal and line.claims_ordinal = claim.claims_ordinal
  union all
  select
    line.message_id,
    concat('Payments[', line.payments_ordinal, '].Patient') as patient_path,
    cast(null as varchar) as visit_number,
    coalesce(claim.claim_submission_number, claim.claim_number) as claim_id,
    coalesce(
      (
        select arg_min(
          reference.id,
          reference.reference_numbers_ordinal
            + case when lower(reference.id_type) like '%line%' then 0 else 1000 end
        )
        from claim.payments_claim_services_reference_numbers as reference
        where reference.message_id = line.message_id and reference.payments_ordinal = line.payments_ordinal and reference.services_ordinal = line.services_ordinal
      ),
      cast(line.services_ordinal as varchar)
    ) as line_number,
    true as is_payment,
    line.submitted_procedure_code as code,
    line.submitted_procedure_code_set as codeset,
    line.submitted_procedure_name as description,
    cast(null as varchar) as revenue_code,
    line.service_date_time as service_at,
    line.service_end_date_time as service_end_at,
    try_cast(line.charged_units as double) as units,
    try_cast(line.charged_amount as decimal(18, 4)) as charged_amount,
    try_cast(line.allowed_amount as decimal(18, 4)) as allowed_amount,
    try_cast(line.payment_amount as decimal(18, 4)) as paid_amount,
    claim.claim_status as claim_status
  from claim.payments_claim_services as line
  inner join claim.payments as claim
    on line.message_id = claim.message_id and line.payments_ordinal = claim.payments_ordinal
  union all
  select
    line.message_id,
    concat('Batch[', line.batch_ordinal, '].Payments[', line.payments_ordinal, '].Patient') as patient_path,
    cast(null as varchar) as visit_number,
    coalesce(claim.claim_submission_number, claim.claim_number) as claim_id,
    coalesce(
      (
        select arg_min(
          reference.id,
          reference.reference_numbers_ordinal
            + case when lower(reference.id_type) like '%line%' then 0 else 1000 end
        )
        from claim.batch_payments_claim_services_reference_numbers as reference
        where reference.message_id = line.message_id and reference.batch_ordinal = line.batch_ordinal and reference.payments_ordinal = line.payments_ordinal and reference.services_ordinal = line.services_ordinal
      ),
      cast(line.services_ordinal as varchar)
    ) as line_number,
    true as is_payment,
    line.submitted_procedure_code as code,
    line.submitted_procedure_code_set as codeset,
    line.submitted_procedure_name as description,
    cast(null as varchar) as revenue_code,
    line.service_date_time as service_at,
    line.service_end_date_time as service_end_at,
    try_cast(line.charged_units as double) as units,
    try_cast(line.charged_amount as decimal(18, 4)) as charged_amount,
    try_cast(line.allowed_amount as decimal(18, 4)) as allowed_amount,
    try_cast(line.payment_amount as decimal(18, 4)) as paid_amount,
    claim.claim_status as claim_status
  from claim.batch_payments_claim_services as line
  inner join claim.batch_payments as claim
    on line.message_id = claim.message_id and line.batch_ordinal = claim.batch_ordinal and line.payments_ordinal = claim.payments_ordinal
  union all
  select
    line.message_id,
    concat('Transactions[', line.transactions_ordinal, '].Payments[', line.payments_ordinal, '].Patient') as patient_path,
    cast(null as varchar) as visit_number,
    coalesce(claim.submission_number, claim.control_number) as claim_id,
    coalesce(
      (
        select arg_min(
          reference.id,
          reference.reference_numbers_ordinal
            + case when lower(reference.id_type) like '%line%' then 0 else 1000 end
        )
        from claim.paid_claims_services_reference_numbers as reference
        where reference.message_id = line.message_id and reference.transactions_ordinal = line.transactions_ordinal and reference.payments_ordinal = line.payments_ordinal and reference.claims_ordinal = line.claims_ordinal and reference.services_ordinal = line.services_ordinal
      ),
      cast(line.services_ordinal as varchar)
    ) as line_number,
    true as is_payment,
    line.submitted_service_code as code,
    line.submitted_service_codeset as codeset,
    line.submitted_service_description as description,
    cast(null as varchar) as revenue_code,
    line.start_date_time as service_at,
    line.end_date_time as service_end_at,
    try_cast(line.charged_units as double) as units,
    try_cast(line.charged_amount as decimal(18, 4)) as charged_amount,
    try_cast(line.allowed_amount as decimal(18, 4)) as allowed_amount,
    try_cast(line.payment_amount as decimal(18, 4)) as paid_amount,
    claim.status as claim_status
  from claim.paid_claims_services as line
  inner join claim.paid_claims as claim
    on line.message_id = claim.message_id and line.transactions_ordinal = claim.transactions_ordinal and line.payments_ordinal = claim.payments_ordinal and line.claims_ordinal = claim.claims_ordinal
)

select
  listed.message_id,
  message.source_id,
  message.source_name,
  message.seen_at,
  message.sequence,
  message_patient.patient_id,
  listed.visit_number,
  listed.claim_id,
  listed.line_number,
  listed.is_payment,
  listed.code,
  listed.codeset,
  listed.description,
  listed.revenue_code,
  listed.service_at,
  listed.service_end_at,
  listed.units,
  listed.charged_amount,
  listed.allowed_amount,
  listed.paid_amount,
  listed.claim_status
from listed
inner join evidence.message as message
  on message.message_id = listed.message_id
left join mart.message_patient
  on message_patient.message_id = listed.message_id
  and message_patient.path = listed.patient_path
