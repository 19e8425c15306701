-- Results for Tuva's input layer.
-- grain: one row per row of mart.lab_result
-- reads: mart.lab_result, mart.patient
select
  cast(own.lab_result_id as varchar) as lab_result_id,
  cast(coalesce(patient.person_id, own.patient_id) as varchar) as person_id,
  cast(own.patient_id as varchar) as patient_id,
  cast(own.encounter_id as varchar) as encounter_id,
  cast(own.accession_number as varchar) as accession_number,
  cast(own.source_order_code_type as varchar) as source_order_type,
  cast(own.source_order_code as varchar) as source_order_code,
  cast(own.source_order_description as varchar) as source_order_description,
  cast(own.source_component_code_type as varchar) as source_component_type,
  cast(own.source_component_code as varchar) as source_component_code,
  cast(own.source_component_description as varchar) as source_component_description,
  cast(null as varchar) as normalized_order_type,
  cast(null as varchar) as normalized_order_code,
  cast(null as varchar) as normalized_order_description,
  cast(null as varchar) as normalized_component_type,
  cast(null as varchar) as normalized_component_code,
  cast(null as varchar) as normalized_component_description,
  cast(own.status as varchar) as status,
  cast(own.result as varchar) as result,
  cast((own.resulted_at at time zone 'UTC') as timestamp) as result_datetime,
  cast((own.collected_at at time zone 'UTC') as timestamp) as collection_datetime,
  cast(own.units as varchar) as source_units,
  cast(null as varchar) as normalized_units,
  cast(own.normal_range_low as varchar) as source_reference_range_low,
  cast(own.normal_range_high as varchar) as source_reference_range_high,
  cast(null as varchar) as normalized_reference_range_low,
  cast(null as varchar) as normalized_reference_range_high,
  cast(case own.is_abnormal when true then 1 when false then 0 end as double) as source_abnormal_flag,
  cast(null as double) as normalized_abnormal_flag,
  cast(own.specimen_source as varchar) as specimen,
  cast(own.ordering_practitioner_id as varchar) as ordering_practitioner_id,
  cast(own.data_source as varchar) as data_source,
  cast(null as varchar) as file_name,
  cast((own.last_seen_at at time zone 'UTC') as timestamp) as ingest_datetime
from mart.lab_result as own
left join mart.patient
  on patient.patient_id = own.patient_id
