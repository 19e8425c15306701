-- Vaccinations for Tuva's input layer.
-- grain: one row per row of mart.immunization
-- reads: mart.immunization, mart.patient
select
  cast(own.immunization_id as varchar) as immunization_id,
  cast(coalesce(patient.person_id, own.patient_id) as varchar) as person_id,
  cast(own.patient_id as varchar) as patient_id,
  cast(own.encounter_id as varchar) as encounter_id,
  cast(own.source_code_type as varchar) as source_code_type,
  cast(own.source_code as varchar) as source_code,
  cast(own.source_description as varchar) as source_description,
  cast(null as varchar) as normalized_code_type,
  cast(null as varchar) as normalized_code,
  cast(null as varchar) as normalized_description,
  cast(own.status as varchar) as status,
  cast(own.reason_not_given as varchar) as status_reason,
  cast(own.occurrence_date as date) as occurrence_date,
  cast(nullif(concat_ws(' ', own.dose, own.dose_units), '') as varchar) as source_dose,
  cast(null as varchar) as normalized_dose,
  cast(own.lot_number as varchar) as lot_number,
  cast(own.body_site as varchar) as body_site,
  cast(own.route as varchar) as route,
  cast(null as varchar) as location_id,
  cast(own.practitioner_id as varchar) as practitioner_id,
  cast(own.data_source as varchar) as data_source,
  cast(null as varchar) as file_name,
  cast((own.last_seen_at at time zone 'UTC') as timestamp) as ingest_datetime
from mart.immunization as own
left join mart.patient
  on patient.patient_id = own.patient_id
