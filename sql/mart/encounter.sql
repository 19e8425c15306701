-- Visits in their current state, computed from the events that no Cancel has reversed.
-- Any Discharge gives finished; else any Arrival, Registration or Transfer gives in-progress; else
-- PreAdmit gives planned; else a Cancel gives cancelled; else the status is unknown. Each attribute is
-- the newest known value, from messages that were not reversed if there is one; location and provider
-- are each taken whole from one message.
-- grain: one row per visit number of PatientAdmin; key: encounter_id
-- stored: whole
-- refers: patient_id -> mart.patient
-- words: encounter_status (planned, in-progress, finished, cancelled, unknown)
-- not before: encounter_end_at >= encounter_start_at, last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct visit.message_id, visit.visit_number
--   from evidence.visit as visit semi join evidence.message as message
--   on message.message_id = visit.message_id and message.data_model = 'PatientAdmin') as spoken_of
-- reads: evidence.message, evidence.visit, mart.encounter_event, mart.message_patient
-- columns:
--   encounter_id: source and visit number
--   patient_id: the patient, after merges; after a VisitMerge, the patient to whom it moved the visit
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   visit_number: Visit.VisitNumber as received
--   account_number: Visit.AccountNumber
--   encounter_status: planned, in-progress, finished, cancelled or unknown
--   encounter_type: Visit.PatientClass as received
--   reason: Visit.Reason
--   encounter_start_at: Visit.VisitDateTime, else the time of the first event that was not reversed
--   encounter_start_date: UTC date of encounter_start_at
--   encounter_end_at: Visit.DischargeDateTime of the discharge, else the time of the discharge
--   encounter_end_date: UTC date of encounter_end_at
--   length_of_stay: days from start to end; null until the visit is finished
--   disposition_code: Visit.DischargeStatus.Code of the discharge
--   disposition: Visit.DischargeStatus.Description of the discharge
--   facility: Visit.Location.Facility
--   department: Visit.Location.Department
--   room: Visit.Location.Room
--   bed: Visit.Location.Bed
--   attending_id: Visit.AttendingProvider.ID
--   attending_id_type: Visit.AttendingProvider.IDType
--   attending_first_name: Visit.AttendingProvider.FirstName
--   attending_last_name: Visit.AttendingProvider.LastName
--   referring_id: Visit.ReferringProvider.ID
--   admitting_id: Visit.AdmittingProvider.ID
--   has_changed_patient: true if its messages name different patients, or a VisitMerge moved it
--   first_seen_at: when the visit was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that name the visit, including replies
with said as (
  select
    message.message_id,
    message.source_id,
    message.source_name,
    message.source_id || ':' || visit.visit_number as encounter_id,
    message_patient.patient_id,
    message.seen_at,
    message.happened_at,
    message.evidence,
    message.event_type,
    message.sequence,
    not coalesce(encounter_event.is_canceled, false) as stands,
    message.sequence
      + case when coalesce(encounter_event.is_canceled, false) then 0 else 1e15 end as rank,
    visit.visit_number,
    visit.account_number,
    visit.patient_class,
    visit.reason,
    visit.visit_at,
    visit.discharge_at,
    case
      when coalesce(visit.disposition_code, visit.disposition) is not null
        then struct_pack(code := visit.disposition_code, text := visit.disposition)
    end as disposition,
    case
      when coalesce(visit.facility, visit.department, visit.room, visit.bed) is not null
        then struct_pack(
          facility := visit.facility,
          department := visit.department,
          room := visit.room,
          bed := visit.bed
        )
    end as place,
    case
      when coalesce(visit.attending_id, visit.attending_npi, visit.attending_last_name) is not null
        then struct_pack(
          id := coalesce(visit.attending_id, visit.attending_npi),
          id_type := visit.attending_id_type,
          first_name := visit.attending_first_name,
          last_name := visit.attending_last_name
        )
    end as attending,
    coalesce(visit.referring_id, visit.referring_npi) as referring_id,
    coalesce(visit.admitting_id, visit.admitting_npi) as admitting_id
  from evidence.visit
  inner join evidence.message as message
    on message.message_id = visit.message_id
  left join mart.encounter_event
    on encounter_event.message_id = visit.message_id
  left join mart.message_patient
    on message_patient.message_id = visit.message_id
    and message_patient.path = visit.patient_path
  where message.data_model = 'PatientAdmin'
),

state as (
  select
    encounter_id,
    any_value(source_id) as source_id,
    arg_max(source_name, sequence) as source_name,
    any_value(visit_number) as visit_number,
    arg_max(account_number, rank) as account_number,
    coalesce(
      arg_max(patient_id, sequence) filter (where event_type = 'VisitMerge'),
      arg_max(patient_id, sequence)
    ) as patient_id,
    count(distinct patient_id) > 1 or bool_or(event_type = 'VisitMerge') as has_changed_patient,
    case
      when bool_or(stands and event_type = 'Discharge') then 'finished'
      when bool_or(stands and event_type in ('Arrival', 'Registration', 'Transfer'))
        then 'in-progress'
      when bool_or(stands and event_type = 'PreAdmit') then 'planned'
      when bool_or(event_type = 'Cancel') then 'cancelled'
      else 'unknown'
    end as encounter_status,
    arg_max(patient_class, rank) as encounter_type,
    arg_max(reason, rank) as reason,
    coalesce(
      arg_max(visit_at, rank),
      min(happened_at) filter (
        where stands and event_type in ('Arrival', 'Registration', 'Transfer')
      )
    ) as encounter_start_at,
    arg_max(coalesce(discharge_at, happened_at), sequence) filter (
      where stands and event_type = 'Discharge'
    ) as encounter_end_at,
    arg_max(disposition, sequence) filter (
      where stands and event_type = 'Discharge'
    ) as disposition,
    arg_max(place, rank) as place,
    arg_max(attending, rank) as attending,
    arg_max(referring_id, rank) as referring_id,
    arg_max(admitting_id, rank) as admitting_id,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from said
  group by encounter_id
)

select
  encounter_id,
  patient_id,
  source_id as data_source,
  source_name,
  visit_number,
  account_number,
  encounter_status,
  encounter_type,
  reason,
  encounter_start_at,
  core.utc_date(encounter_start_at) as encounter_start_date,
  encounter_end_at,
  core.utc_date(encounter_end_at) as encounter_end_date,
  date_diff(
    'day', core.utc_date(encounter_start_at), core.utc_date(encounter_end_at)
  ) as length_of_stay,
  disposition.code as disposition_code,
  disposition.text as disposition,
  place.facility as facility,
  place.department as department,
  place.room as room,
  place.bed as bed,
  attending.id as attending_id,
  attending.id_type as attending_id_type,
  attending.first_name as attending_first_name,
  attending.last_name as attending_last_name,
  referring_id,
  admitting_id,
  has_changed_patient,
  first_seen_at,
  core.utc_date(first_seen_at) as first_seen_date,
  last_seen_at,
  core.utc_date(last_seen_at) as last_seen_date,
  messages
from state
