-- Vital signs and other observations for Tuva's input layer.
-- grain: one row per row of mart.observation
-- reads: mart.observation, mart.patient
select
  cast(own.observation_id as varchar) as observation_id,
  cast(coalesce(patient.person_id, own.patient_id) as varchar) as person_id,
  cast(null as varchar) as payer,
  cast(own.patient_id as varchar) as patient_id,
  cast(own.encounter_id as varchar) as encounter_id,
  cast(null as varchar) as panel_id,
  cast(own.observed_date as date) as observation_date,
  cast(case when starts_with(own.list, 'VitalSigns') then 'vital-signs' when starts_with(own.list, 'SocialHistory') then 'social-history' end as varchar) as observation_type,
  cast(own.source_code_type as varchar) as source_code_type,
  cast(own.source_code as varchar) as source_code,
  cast(own.source_description as varchar) as source_description,
  cast(null as varchar) as normalized_code_type,
  cast(null as varchar) as normalized_code,
  cast(null as varchar) as normalized_description,
  cast(own.result as varchar) as result,
  cast(own.units as varchar) as source_units,
  cast(null as varchar) as normalized_units,
  cast(own.normal_range_low as varchar) as source_reference_range_low,
  cast(own.normal_range_high as varchar) as source_reference_range_high,
  cast(null as varchar) as normalized_reference_range_low,
  cast(null as varchar) as normalized_reference_range_high,
  cast(own.data_source as varchar) as data_source,
  cast(null as varchar) as file_name,
  cast((own.last_seen_at at time zone 'UTC') as timestamp) as ingest_datetime
from mart.observation as own
left join mart.patient
  on patient.patient_id = own.patient_id
