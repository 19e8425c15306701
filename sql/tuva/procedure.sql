-- Procedures that were done, for Tuva's input layer.
-- grain: one row per row of mart.procedure
-- reads: mart.patient, mart.procedure
select
  cast(own.procedure_id as varchar) as procedure_id,
  cast(coalesce(patient.person_id, own.patient_id) as varchar) as person_id,
  cast(own.patient_id as varchar) as patient_id,
  cast(own.encounter_id as varchar) as encounter_id,
  cast(null as varchar) as claim_id,
  cast(own.procedure_date as date) as procedure_date,
  cast(own.source_code_type as varchar) as source_code_type,
  cast(own.source_code as varchar) as source_code,
  cast(own.source_description as varchar) as source_description,
  cast(null as varchar) as normalized_code_type,
  cast(null as varchar) as normalized_code,
  cast(null as varchar) as normalized_description,
  cast(null as varchar) as modifier_1,
  cast(null as varchar) as modifier_2,
  cast(null as varchar) as modifier_3,
  cast(null as varchar) as modifier_4,
  cast(null as varchar) as modifier_5,
  cast(null as varchar) as practitioner_id,
  cast(own.data_source as varchar) as data_source,
  cast(null as varchar) as file_name,
  cast((own.last_seen_at at time zone 'UTC') as timestamp) as ingest_datetime
from mart.procedure as own
left join mart.patient
  on patient.patient_id = own.patient_id
