-- Appointments for Tuva's input layer.
-- grain: one row per row of mart.appointment
-- reads: mart.appointment, mart.patient
select
  cast(own.appointment_id as varchar) as appointment_id,
  cast(coalesce(patient.person_id, own.patient_id) as varchar) as person_id,
  cast(own.patient_id as varchar) as patient_id,
  cast(own.encounter_id as varchar) as encounter_id,
  cast((own.start_datetime at time zone 'UTC') as timestamp) as start_datetime,
  cast((own.end_datetime at time zone 'UTC') as timestamp) as end_datetime,
  cast(own.duration_minutes as integer) as duration,
  cast(case when coalesce(own.facility, own.department) is not null then md5(concat_ws('|', own.data_source, coalesce(own.facility, ''), coalesce(own.department, ''))) end as varchar) as location_id,
  cast(own.practitioner_id as varchar) as practitioner_id,
  cast(null as varchar) as type_code,
  cast(own.appointment_type as varchar) as type_description,
  cast(own.status_code as varchar) as status_code,
  cast(own.source_status as varchar) as status_description,
  cast(own.reasons as varchar) as reason,
  cast(own.cancel_reason as varchar) as cancellation_reason,
  cast(own.data_source as varchar) as data_source
from mart.appointment as own
left join mart.patient
  on patient.patient_id = own.patient_id
