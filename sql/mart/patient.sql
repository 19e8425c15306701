-- Patients as currently known: the newest known value of each attribute, after merges.
-- The survivor's own messages come first. Messages of a retired identifier fill what those leave open, if
-- they came before the merge. Name and address are each taken whole from one message.
-- grain: one row per patient; key: patient_id
-- stored: whole
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message_id, patient_id from mart.message_patient
--   where patient_id is not null) as spoken_of
-- reads: mart.message_patient, evidence.patient_demographics, evidence.patient_survivor,
--   evidence.person, evidence.message
-- columns:
--   patient_id: source and identifier of the source's own type, such as 7ce6f387:00012
--   person_id: from HOME/persons.csv, else patient_id
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   source_patient_id: the identifier without the source
--   first_name: given name
--   middle_name: middle name
--   last_name: family name
--   birth_date: date of birth
--   sex: sex as received
--   race: race as received
--   ethnicity: ethnicity as received, else derived from is_hispanic
--   is_hispanic: true if the patient is Hispanic
--   language: language as received
--   marital_status: marital status as received
--   religion: religion as received
--   ssn: social security number
--   address: street address
--   city: city
--   county: county
--   state: state as received
--   zip_code: ZIP code as received
--   country: country
--   phone_home: home telephone
--   phone_mobile: mobile telephone
--   phone_office: work telephone
--   email: first e-mail address in the newest message that has one
--   is_deceased: true if the patient is known to have died
--   death_at: when the patient died
--   death_date: UTC date of death_at
--   first_seen_at: when the patient was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when the patient was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages about the patient
with spoken_of as (
  select
    message_patient.patient_id,
    message_patient.message_id,
    message_patient.path,
    message_patient.source_id,
    message_patient.last_seen_at as seen_at,
    message.source_name,
    message_patient.sequence,
    message_patient.own_patient_id = message_patient.patient_id as is_own,
    message_patient.own_patient_id = message_patient.patient_id
      or message_patient.sequence < patient_survivor.sequence as counts
  from mart.message_patient
  inner join evidence.message as message
    on message.message_id = message_patient.message_id
  left join evidence.patient_survivor
    on patient_survivor.source_id = message_patient.source_id
    and patient_survivor.id = message_patient.source_patient_id
  where message_patient.patient_id is not null
),

seen as (
  select
    patient_id,
    any_value(source_id) as source_id,
    arg_max(source_name, sequence) as source_name,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from spoken_of
  group by patient_id
),

said as (
  select
    spoken_of.patient_id,
    spoken_of.sequence + case when spoken_of.is_own then 1e15 else 0 end as rank,
    struct_pack(
      first := patient_demographics.first_name,
      middle := patient_demographics.middle_name,
      last := patient_demographics.last_name
    ) as name,
    coalesce(
      patient_demographics.first_name,
      patient_demographics.middle_name,
      patient_demographics.last_name
    ) is not null as has_name,
    struct_pack(
      street := patient_demographics.street_address,
      city := patient_demographics.city,
      county := patient_demographics.county,
      state := patient_demographics.state,
      zip := patient_demographics.zip_code,
      country := patient_demographics.country
    ) as address,
    coalesce(
      patient_demographics.street_address,
      patient_demographics.city,
      patient_demographics.county,
      patient_demographics.state,
      patient_demographics.zip_code,
      patient_demographics.country
    ) is not null as has_address,
    patient_demographics.birth_date,
    patient_demographics.sex,
    patient_demographics.race,
    patient_demographics.ethnicity,
    patient_demographics.is_hispanic,
    patient_demographics.language,
    patient_demographics.marital_status,
    patient_demographics.religion,
    patient_demographics.ssn,
    patient_demographics.phone_home,
    patient_demographics.phone_mobile,
    patient_demographics.phone_office,
    patient_demographics.email,
    patient_demographics.is_deceased,
    patient_demographics.death_at
  from spoken_of
  inner join evidence.patient_demographics
    on patient_demographics.message_id = spoken_of.message_id
    and patient_demographics.path = spoken_of.path
  where spoken_of.counts
),

known as (
  select
    patient_id,
    arg_max(name, rank) filter (where has_name) as name,
    arg_max(address, rank) filter (where has_address) as address,
    arg_max(birth_date, rank) as birth_date,
    arg_max(sex, rank) as sex,
    arg_max(race, rank) as race,
    arg_max(ethnicity, rank) as ethnicity,
    arg_max(is_hispanic, rank) as is_hispanic,
    arg_max(language, rank) as language,
    arg_max(marital_status, rank) as marital_status,
    arg_max(religion, rank) as religion,
    arg_max(ssn, rank) as ssn,
    arg_max(phone_home, rank) as phone_home,
    arg_max(phone_mobile, rank) as phone_mobile,
    arg_max(phone_office, rank) as phone_office,
    arg_max(email, rank) as email,
    arg_max(is_deceased, rank) as is_deceased,
    arg_max(death_at, rank) as death_at
  from said
  group by patient_id
)

select
  seen.patient_id,
  coalesce(person.person_id, seen.patient_id) as person_id,
  seen.source_id as data_source,
  seen.source_name,
  substr(seen.patient_id, length(seen.source_id) + 2) as source_patient_id,
  known.name.first as first_name,
  known.name.middle as middle_name,
  known.name.last as last_name,
  known.birth_date,
  known.sex,
  known.race,
  coalesce(
    known.ethnicity,
    case known.is_hispanic when true then 'Hispanic or Latino' when false then 'Not Hispanic or Latino' end
  ) as ethnicity,
  known.is_hispanic,
  known.language,
  known.marital_status,
  known.religion,
  known.ssn,
  known.address.street as address,
  known.address.city as city,
  known.address.county as county,
  known.address.state as state,
  known.address.zip as zip_code,
  known.address.country as country,
  known.phone_home,
  known.phone_mobile,
  known.phone_office,
  known.email,
  known.is_deceased,
  known.death_at,
  core.utc_date(known.death_at) as death_date,
  seen.first_seen_at,
  core.utc_date(seen.first_seen_at) as first_seen_date,
  seen.last_seen_at,
  core.utc_date(seen.last_seen_at) as last_seen_date,
  seen.messages
from seen
left join known
  on known.patient_id = seen.patient_id
left join evidence.person
  on person.patient_id = seen.patient_id
