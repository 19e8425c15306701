-- Appointments with their current status.
-- If another message names the number as its old one, the status is rescheduled. Otherwise the newest
-- event other than Modification decides: Cancel gives cancelled; any other gives fulfilled if the visit
-- with that number has begun; if not, NoShow gives noshow and the rest booked. Among simultaneous
-- events Cancel counts as the last and NoShow as the one before it.
-- grain: one row per visit number of Scheduling and SurgicalScheduling; key: appointment_id
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- words: status_code (booked, rescheduled, cancelled, noshow, fulfilled)
-- not before: end_datetime >= start_datetime, last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct visit.message_id, visit.visit_number
--   from evidence.visit as visit semi join evidence.message as message
--   on message.message_id = visit.message_id
--   and message.data_model in ('Scheduling', 'SurgicalScheduling')) as spoken_of
-- reads: evidence.message, evidence.visit, mart.message_patient, mart.encounter
-- columns:
--   appointment_id: source and visit number
--   patient_id: the patient named by its newest message, after merges
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   visit_number: Visit.VisitNumber as received
--   data_model: Scheduling or SurgicalScheduling
--   status_code: booked, rescheduled, cancelled, noshow or fulfilled
--   source_status: Visit.Status as received
--   start_datetime: newest Visit.VisitDateTime
--   start_date: UTC date of start_datetime
--   end_datetime: start_datetime plus Visit.Duration
--   end_date: UTC date of end_datetime
--   duration_minutes: Visit.Duration
--   booked_at: when it was booked under this number; null if no booking was received
--   booked_date: UTC date of booked_at
--   lead_days: days from booking to start
--   reschedules: number of Reschedule messages under this number
--   rescheduled_from_id: the appointment that this one replaces
--   rescheduled_from_number: number of that appointment, as received
--   rescheduled_to_id: the appointment that replaces this one
--   appointment_type: Visit.Type
--   reasons: Visit.Reason
--   cancel_reason: Visit.CancelReason
--   facility: Visit.Location.Facility
--   department: Visit.Location.Department
--   room: Visit.Location.Room
--   practitioner_id: Visit.VisitProvider.ID, else Visit.AttendingProvider.ID
--   practitioner_id_type: IDType of practitioner_id
--   practitioner_first_name: given name of the practitioner
--   practitioner_last_name: family name of the practitioner
--   encounter_id: the visit with that number, if a PatientAdmin message describes it
--   first_seen_at: when the appointment was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that name the appointment
with said as (
  select
    message.message_id,
    message.source_id,
    message.source_name,
    message.source_id || ':' || visit.visit_number as appointment_id,
    case
      when visit.old_visit_number <> visit.visit_number
        then message.source_id || ':' || visit.old_visit_number
    end as old_appointment_id,
    case
      when visit.old_visit_number <> visit.visit_number then visit.old_visit_number
    end as old_visit_number,
    message_patient.patient_id,
    message.data_model,
    message.evidence,
    message.event_type,
    message.seen_at,
    message.happened_at,
    message.sequence,
    row(
      message.seen_at,
      case message.event_type when 'Cancel' then 2 when 'NoShow' then 1 else 0 end,
      message.sequence
    ) as place_in_time,
    visit.visit_number,
    visit.visit_status,
    visit.visit_at,
    visit.duration_minutes,
    visit.visit_type,
    visit.reason,
    visit.cancel_reason,
    case
      when coalesce(visit.facility, visit.department, visit.room) is not null
        then struct_pack(
          facility := visit.facility, department := visit.department, room := visit.room
        )
    end as place,
    case
      when coalesce(visit.visit_provider_id, visit.visit_provider_npi) is not null
        then struct_pack(
          id := coalesce(visit.visit_provider_id, visit.visit_provider_npi),
          id_type := visit.visit_provider_id_type,
          first_name := visit.visit_provider_first_name,
          last_name := visit.visit_provider_last_name
        )
      when coalesce(visit.attending_id, visit.attending_npi) is not null
        then struct_pack(
          id := coalesce(visit.attending_id, visit.attending_npi),
          id_type := visit.attending_id_type,
          first_name := visit.attending_first_name,
          last_name := visit.attending_last_name
        )
    end as practitioner
  from evidence.visit
  inner join evidence.message as message
    on message.message_id = visit.message_id
  left join mart.message_patient
    on message_patient.message_id = visit.message_id
    and message_patient.path = visit.patient_path
  where message.data_model in ('Scheduling', 'SurgicalScheduling')
),

successor as (
  select
    old_appointment_id as appointment_id,
    arg_max(appointment_id, sequence) as rescheduled_to_id
  from said
  where old_appointment_id is not null
  group by old_appointment_id
),

state as (
  select
    appointment_id,
    any_value(source_id) as source_id,
    arg_max(source_name, sequence) as source_name,
    any_value(visit_number) as visit_number,
    arg_max(data_model, sequence) as data_model,
    arg_max(patient_id, sequence) as patient_id,
    arg_max(event_type, place_in_time) filter (
      where evidence = 'event' and event_type <> 'Modification'
    ) as newest_event,
    arg_max(visit_status, sequence) as source_status,
    arg_max(visit_at, sequence) as start_at,
    arg_max(duration_minutes, sequence) as duration_minutes,
    min(happened_at) filter (
      where event_type = 'New' or event_type = 'Reschedule' and old_appointment_id is not null
    ) as booked_at,
    count(distinct message_id) filter (where event_type = 'Reschedule') as reschedules,
    arg_max(old_appointment_id, sequence) as old_appointment_id,
    arg_max(old_visit_number, sequence) as old_visit_number,
    arg_max(visit_type, sequence) as visit_type,
    arg_max(reason, sequence) as reason,
    arg_max(cancel_reason, sequence) as cancel_reason,
    arg_max(place, sequence) as place,
    arg_max(practitioner, sequence) as practitioner,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from said
  group by appointment_id
)

select
  state.appointment_id,
  state.patient_id,
  state.source_id as data_source,
  state.source_name,
  state.visit_number,
  state.data_model,
  case
    when successor.rescheduled_to_id is not null then 'rescheduled'
    when state.newest_event = 'Cancel' then 'cancelled'
    when encounter.encounter_status in ('in-progress', 'finished') then 'fulfilled'
    when state.newest_event = 'NoShow' then 'noshow'
    else 'booked'
  end as status_code,
  state.source_status,
  state.start_at as start_datetime,
  core.utc_date(state.start_at) as start_date,
  state.start_at + to_microseconds(cast(state.duration_minutes * 6e7 as bigint)) as end_datetime,
  core.utc_date(
    state.start_at + to_microseconds(cast(state.duration_minutes * 6e7 as bigint))
  ) as end_date,
  state.duration_minutes,
  state.booked_at,
  core.utc_date(state.booked_at) as booked_date,
  date_diff('day', core.utc_date(state.booked_at), core.utc_date(state.start_at)) as lead_days,
  state.reschedules,
  predecessor.appointment_id as rescheduled_from_id,
  state.old_visit_number as rescheduled_from_number,
  successor.rescheduled_to_id,
  state.visit_type as appointment_type,
  state.reason as reasons,
  state.cancel_reason,
  state.place.facility as facility,
  state.place.department as department,
  state.place.room as room,
  state.practitioner.id as practitioner_id,
  state.practitioner.id_type as practitioner_id_type,
  state.practitioner.first_name as practitioner_first_name,
  state.practitioner.last_name as practitioner_last_name,
  encounter.encounter_id,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join successor
  on successor.appointment_id = state.appointment_id
left join state as predecessor
  on predecessor.appointment_id = state.old_appointment_id
left join mart.encounter
  on encounter.encounter_id = state.appointment_id
