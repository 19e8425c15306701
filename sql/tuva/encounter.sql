-- Visits that have begun, for Tuva's input layer; planned, cancelled and unknown ones are left out.
-- grain: one row per row of mart.encounter
-- reads: mart.diagnosis, mart.encounter, mart.patient
with main_diagnosis as (
  select
    encounter_id,
    arg_min(source_code_type, diagnosis_rank) as code_type,
    arg_min(source_code, diagnosis_rank) as code,
    arg_min(description, diagnosis_rank) as description
  from mart.diagnosis
  where condition_type = 'encounter'
  group by encounter_id
)

select
  cast(own.encounter_id as varchar) as encounter_id,
  cast(coalesce(patient.person_id, own.patient_id) as varchar) as person_id,
  cast(own.patient_id as varchar) as patient_id,
  cast(own.encounter_type as varchar) as encounter_type,
  cast(own.encounter_start_date as date) as encounter_start_date,
  cast(own.encounter_end_date as date) as encounter_end_date,
  cast(own.length_of_stay as double) as length_of_stay,
  cast(null as varchar) as admit_source_code,
  cast(null as varchar) as admit_source_description,
  cast(null as varchar) as admit_type_code,
  cast(null as varchar) as admit_type_description,
  cast(own.disposition_code as varchar) as discharge_disposition_code,
  cast(own.disposition as varchar) as discharge_disposition_description,
  cast(own.attending_id as varchar) as attending_provider_id,
  cast(nullif(concat_ws(' ', own.attending_first_name, own.attending_last_name), '') as varchar) as attending_provider_name,
  cast(null as varchar) as facility_npi,
  cast(own.facility as varchar) as facility_name,
  cast(main_diagnosis.code_type as varchar) as primary_diagnosis_code_type,
  cast(main_diagnosis.code as varchar) as primary_diagnosis_code,
  cast(main_diagnosis.description as varchar) as primary_diagnosis_description,
  cast(null as varchar) as drg_code_type,
  cast(null as varchar) as drg_code,
  cast(null as varchar) as drg_description,
  cast(null as double) as paid_amount,
  cast(null as double) as allowed_amount,
  cast(null as double) as charge_amount,
  cast(own.data_source as varchar) as data_source,
  cast(null as varchar) as file_name,
  cast((own.last_seen_at at time zone 'UTC') as timestamp) as ingest_datetime
from mart.encounter as own
left join mart.patient
  on patient.patient_id = own.patient_id
left join main_diagnosis
  on main_diagnosis.encounter_id = own.encounter_id
where own.encounter_status in ('in-progress', 'finished')
