-- Practitioners, as named by visits, appointments, orders and records, for Tuva's input layer.
-- grain: one row per source and ID
-- reads: mart.appointment, mart.charge, mart.document, mart.encounter, mart.immunization, mart.lab_result, mart.medication, mart.medication_administration, mart.observation, mart.orders
with named as (
  select data_source, attending_id as id, case when attending_id_type = 'NPI' then attending_id end as npi, attending_first_name as first_name, attending_last_name as last_name, last_seen_at from mart.encounter
  union all
  select data_source, practitioner_id, case when practitioner_id_type = 'NPI' then practitioner_id end, practitioner_first_name, practitioner_last_name, last_seen_at from mart.appointment
  union all
  select data_source, ordering_practitioner_id, ordering_practitioner_npi, null, null, last_seen_at from mart.lab_result
  union all
  select source_id, practitioner_id, practitioner_npi, null, null, last_seen_at from mart.orders
  union all
  select data_source, practitioner_id, null, null, null, last_seen_at from mart.charge
  union all
  select data_source, practitioner_id, null, null, null, last_seen_at from mart.document
  union all
  select data_source, practitioner_id, null, null, null, last_seen_at from mart.immunization
  union all
  select data_source, practitioner_id, null, null, null, last_seen_at from mart.medication
  union all
  select data_source, practitioner_id, null, null, null, last_seen_at from mart.medication_administration
  union all
  select data_source, practitioner_id, null, null, null, last_seen_at from mart.observation
),

own as (
  select
    data_source,
    id,
    arg_max(npi, last_seen_at) as npi,
    arg_max(first_name, last_seen_at) as first_name,
    arg_max(last_name, last_seen_at) as last_name
  from named
  where id is not null
  group by data_source, id
)

select
  cast(own.id as varchar) as practitioner_id,
  cast(own.npi as varchar) as npi,
  cast(own.first_name as varchar) as first_name,
  cast(own.last_name as varchar) as last_name,
  cast(null as varchar) as practice_affiliation,
  cast(null as varchar) as specialty,
  cast(null as varchar) as sub_specialty,
  cast(own.data_source as varchar) as data_source
from own
