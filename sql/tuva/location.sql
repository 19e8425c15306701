-- Facilities and their departments, as named by visits and appointments, for Tuva's input layer.
-- grain: one row per source, facility and department
-- reads: mart.appointment, mart.encounter, mart.encounter_location
with own as (
  select data_source, facility, department from mart.encounter
  union
  select data_source, facility, department from mart.encounter_location
  union
  select data_source, facility, department from mart.appointment
)

select
  cast(md5(concat_ws('|', own.data_source, coalesce(own.facility, ''), coalesce(own.department, ''))) as varchar) as location_id,
  cast(null as varchar) as npi,
  cast(coalesce(own.department, own.facility) as varchar) as name,
  cast(null as varchar) as facility_type,
  cast(case when own.department is not null then own.facility end as varchar) as parent_organization,
  cast(null as varchar) as address,
  cast(null as varchar) as city,
  cast(null as varchar) as state,
  cast(null as varchar) as zip_code,
  cast(null as double) as latitude,
  cast(null as double) as longitude,
  cast(own.data_source as varchar) as data_source
from own
where coalesce(own.facility, own.department) is not null
