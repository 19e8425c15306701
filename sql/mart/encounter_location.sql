-- Where patients were during their visits, one row per stay in one location: for census and bed days.
-- Computed from the events that no Cancel has reversed, by the locations that they name. An event that
-- names the same location as before begins no new row. A stay ends when the next one begins, and the
-- last one ends with the visit.
-- grain: one row per visit and start of a stay; key: encounter_id, from_at
-- stored: whole
-- refers: encounter_id -> mart.encounter, patient_id -> mart.patient
-- not before: to_at >= from_at
-- reads: evidence.visit, mart.encounter_event, mart.encounter
-- columns:
--   encounter_id: source and visit number
--   from_at: when the stay began: the visit's start for the first one, else the time of the event
--   from_date: UTC date of from_at
--   patient_id: the patient of the visit
--   data_source: Meta.Source.ID
--   source_name: Meta.Source.Name
--   facility: Visit.Location.Facility
--   department: Visit.Location.Department
--   room: Visit.Location.Room
--   bed: Visit.Location.Bed
--   to_at: when the patient left; null if the patient is still there
--   to_date: UTC date of to_at
--   hours: hours in the location; null if the patient is still there
--   is_current: true if the patient is still there
--   first_seen_at: when the event that begins the stay was seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when the last event that names the location was seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of events that name the location
with step as (
  select
    encounter_event.encounter_id,
    encounter_event.happened_at,
    encounter_event.sequence,
    encounter_event.last_seen_at as seen_at,
    struct_pack(
      facility := visit.facility,
      department := visit.department,
      room := visit.room,
      bed := visit.bed
    ) as place
  from mart.encounter_event
  inner join evidence.visit
    on visit.message_id = encounter_event.message_id
    and visit.path = 'Visit'
  where not encounter_event.is_canceled
    and encounter_event.event_type in (
      'Arrival', 'Registration', 'Transfer', 'VisitUpdate', 'Discharge'
    )
    and coalesce(visit.facility, visit.department, visit.room, visit.bed) is not null
),

marked as (
  select
    encounter_id,
    happened_at,
    sequence,
    seen_at,
    place,
    place is distinct from lag(place) over (
      partition by encounter_id order by happened_at, sequence
    ) as is_begin
  from step
),

numbered as (
  select
    encounter_id,
    happened_at,
    seen_at,
    place,
    count(*) filter (where is_begin) over (
      partition by encounter_id order by happened_at, sequence
    ) as stay
  from marked
),

stay as (
  select
    encounter_id,
    stay,
    any_value(place) as place,
    min(happened_at) as happened_at,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(*) as messages
  from numbered
  group by encounter_id, stay
),

begun as (
  select
    stay.encounter_id,
    encounter.patient_id,
    encounter.data_source,
    encounter.source_name,
    encounter.encounter_end_at,
    stay.place,
    case
      when stay.stay = 1 then least(coalesce(encounter.encounter_start_at, stay.happened_at), stay.happened_at)
      else stay.happened_at
    end as from_at,
    stay.stay,
    stay.first_seen_at,
    stay.last_seen_at,
    stay.messages
  from stay
  inner join mart.encounter
    on encounter.encounter_id = stay.encounter_id
),

state as (
  select
    *,
    coalesce(
      lead(from_at) over (partition by encounter_id order by stay), encounter_end_at
    ) as to_at
  from begun
  qualify row_number() over (partition by encounter_id, from_at order by stay desc) = 1
)

select
  state.encounter_id,
  state.from_at,
  core.utc_date(state.from_at) as from_date,
  state.patient_id,
  state.data_source,
  state.source_name,
  state.place.facility as facility,
  state.place.department as department,
  state.place.room as room,
  state.place.bed as bed,
  state.to_at,
  core.utc_date(state.to_at) as to_date,
  epoch(state.to_at - state.from_at) / 3600 as hours,
  state.to_at is null as is_current,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
