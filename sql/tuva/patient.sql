-- Patients for Tuva's input layer.
-- grain: one row per row of mart.patient
-- reads: mart.patient
select
  cast(own.person_id as varchar) as person_id,
  cast(own.patient_id as varchar) as patient_id,
  cast(null as varchar) as name_suffix,
  cast(own.first_name as varchar) as first_name,
  cast(own.middle_name as varchar) as middle_name,
  cast(own.last_name as varchar) as last_name,
  cast(lower(own.sex) as varchar) as sex,
  cast(own.race as varchar) as race,
  cast(own.birth_date as date) as birth_date,
  cast(own.death_date as date) as death_date,
  cast(case own.is_deceased when true then 1 when false then 0 end as double) as death_flag,
  cast(own.ssn as varchar) as social_security_number,
  cast(own.address as varchar) as address,
  cast(own.city as varchar) as city,
  cast(own.state as varchar) as state,
  cast(own.zip_code as varchar) as zip_code,
  cast(own.county as varchar) as county,
  cast(null as double) as latitude,
  cast(null as double) as longitude,
  cast(coalesce(own.phone_mobile, own.phone_home, own.phone_office) as varchar) as phone,
  cast(own.email as varchar) as email,
  cast(own.ethnicity as varchar) as ethnicity,
  cast(own.data_source as varchar) as data_source,
  cast(null as varchar) as file_name,
  cast((own.last_seen_at at time zone 'UTC') as timestamp) as ingest_datetime
from mart.patient as own
