-- What happened to visits, event by event, and whether a later Cancel reversed it.
-- A Cancel of Arrival or Registration reverses every earlier Arrival, Registration, Transfer, VisitUpdate
-- and Discharge of the visit. A Cancel of another event reverses only that event. A Cancel that names no
-- event reverses all of them.
-- grain: one row per PatientAdmin message that names a visit and is not a reply; key: message_id
-- stored: whole
-- refers: encounter_id -> mart.encounter, patient_id -> mart.patient
-- ledger: select count(*) from evidence.visit as visit semi join evidence.message as message
--   on message.message_id = visit.message_id and message.data_model = 'PatientAdmin'
--   and message.evidence = 'event' where visit.path = 'Visit'
-- reads: evidence.message, evidence.visit, mart.message_patient
-- columns:
--   message_id: number of the message in the warehouse
--   encounter_id: source and visit number
--   patient_id: the patient that the message names
--   data_source: Meta.Source.ID
--   event_type: event type as received
--   canceled_event: the event that a Cancel reverses
--   is_canceled: true if a Cancel of the same or a later time reversed the event
--   happened_at: when it happened: Meta.EventDateTime if there is one
--   happened_date: UTC date of happened_at
--   sequence: rank of the message in time
--   first_seen_at: when the message was seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when the message was seen
--   last_seen_date: UTC date of last_seen_at
--   messages: always 1
with step as (
  select
    message.message_id,
    message.source_id || ':' || visit.visit_number as encounter_id,
    message.source_id,
    message.event_type,
    message.canceled_event,
    message.happened_at,
    message.happened_date,
    message.seen_at,
    message.seen_date,
    message.sequence
  from evidence.visit
  inner join evidence.message as message
    on message.message_id = visit.message_id
  where message.data_model = 'PatientAdmin'
    and message.evidence = 'event'
    and visit.path = 'Visit'
),

cancel as (
  select
    encounter_id,
    case
      when canceled_event is null then 'all'
      when canceled_event in ('Arrival', 'Registration') then 'arrival'
      else canceled_event
    end as takes_back,
    max(seen_at) as seen_at
  from step
  where event_type = 'Cancel'
  group by all
),

taken_back as (
  select distinct step.message_id
  from step
  inner join cancel
    on cancel.encounter_id = step.encounter_id
    and cancel.seen_at >= step.seen_at
    and (
      cancel.takes_back = step.event_type
      or cancel.takes_back = 'all'
      or cancel.takes_back = 'arrival' and step.event_type <> 'PreAdmit'
    )
  where step.event_type in (
    'PreAdmit', 'Arrival', 'Registration', 'Transfer', 'VisitUpdate', 'Discharge'
  )
)

select
  step.message_id,
  step.encounter_id,
  message_patient.patient_id,
  step.source_id as data_source,
  step.event_type,
  step.canceled_event,
  taken_back.message_id is not null as is_canceled,
  step.happened_at,
  step.happened_date,
  step.sequence,
  step.seen_at as first_seen_at,
  step.seen_date as first_seen_date,
  step.seen_at as last_seen_at,
  step.seen_date as last_seen_date,
  1 as messages
from step
left join taken_back
  on taken_back.message_id = step.message_id
left join mart.message_patient
  on message_patient.message_id = step.message_id
  and message_patient.path = 'Patient'
