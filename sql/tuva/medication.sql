-- Medications that were ordered or that a summary lists, for Tuva's input layer.
-- grain: one row per row of mart.medication
-- reads: mart.medication, mart.patient
select
  cast(own.medication_id as varchar) as medication_id,
  cast(coalesce(patient.person_id, own.patient_id) as varchar) as person_id,
  cast(null as varchar) as payer,
  cast(own.patient_id as varchar) as patient_id,
  cast(own.encounter_id as varchar) as encounter_id,
  cast(null as date) as dispensing_date,
  cast(own.start_date as date) as prescribing_date,
  cast(own.source_code_type as varchar) as source_code_type,
  cast(own.source_code as varchar) as source_code,
  cast(own.source_description as varchar) as source_description,
  cast(own.ndc_code as varchar) as ndc_code,
  cast(case when own.source_code = own.ndc_code then own.source_description end as varchar) as ndc_description,
  cast(own.rxnorm_code as varchar) as rxnorm_code,
  cast(case when own.source_code = own.rxnorm_code then own.source_description end as varchar) as rxnorm_description,
  cast(null as varchar) as atc_code,
  cast(null as varchar) as atc_description,
  cast(own.route as varchar) as route,
  cast(null as varchar) as strength,
  cast(null as double) as quantity,
  cast(null as varchar) as quantity_unit,
  cast(null as double) as days_supply,
  cast(own.practitioner_id as varchar) as practitioner_id,
  cast(own.data_source as varchar) as data_source,
  cast(null as varchar) as file_name,
  cast((own.last_seen_at at time zone 'UTC') as timestamp) as ingest_datetime
from mart.medication as own
left join mart.patient
  on patient.patient_id = own.patient_id
