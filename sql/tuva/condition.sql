-- Diagnoses and problems for Tuva's input layer.
-- grain: one row per row of mart.diagnosis
-- reads: mart.diagnosis, mart.patient
select
  cast(own.condition_id as varchar) as condition_id,
  cast(null as varchar) as payer,
  cast(coalesce(patient.person_id, own.patient_id) as varchar) as person_id,
  cast(own.patient_id as varchar) as patient_id,
  cast(own.encounter_id as varchar) as encounter_id,
  cast(null as varchar) as claim_id,
  cast(own.documented_date as date) as recorded_date,
  cast(own.onset_date as date) as onset_date,
  cast(own.resolved_date as date) as resolved_date,
  cast(own.status as varchar) as status,
  cast(case own.condition_type when 'problem' then 'problem' when 'billing' then 'billing_diagnosis' else 'encounter_diagnosis' end as varchar) as condition_type,
  cast(own.source_code_type as varchar) as source_code_type,
  cast(own.source_code as varchar) as source_code,
  cast(own.description as varchar) as source_description,
  cast(null as varchar) as normalized_code_type,
  cast(null as varchar) as normalized_code,
  cast(null as varchar) as normalized_description,
  cast(own.diagnosis_rank as double) as condition_rank,
  cast(null as varchar) as present_on_admit_code,
  cast(null as varchar) as present_on_admit_description,
  cast(own.data_source as varchar) as data_source,
  cast(null as varchar) as file_name,
  cast((own.last_seen_at at time zone 'UTC') as timestamp) as ingest_datetime
from mart.diagnosis as own
left join mart.patient
  on patient.patient_id = own.patient_id
