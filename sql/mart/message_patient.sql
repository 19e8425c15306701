-- Which patient each message is about: the bridge from any message to mart.patient.
-- If a message names a patient by an identifier of the source's own type, it is that patient, after
-- merges. If not, it is the patient with whom its other identifiers appeared, if there is only one.
-- grain: one row per message and place that names a patient; key: message_id, path
-- stored: whole
-- refers: patient_id -> mart.patient
-- ledger: select count(*) from (select distinct message_id, path from evidence.patient_identifier
--   where not is_previous) as place
-- reads: evidence.message, evidence.patient_identifier, evidence.own_id_type,
--   evidence.patient_survivor
-- columns:
--   message_id: number of the message in the warehouse
--   path: where the message names the patient, with 1-based positions in arrays, such as Visits[2].Patient
--   patient_id: the patient; null if no identifier of the source's own type is known
--   source_id: Meta.Source.ID; empty if there was none
--   source_patient_id: identifier of the source's own type, as received
--   own_patient_id: the patient before merges
--   data_model: Meta.DataModel
--   event_type: event type of the message
--   sequence: rank of the message in time; the newest has the highest
--   first_seen_at: when the message was seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when the message was seen
--   last_seen_date: UTC date of last_seen_at
--   messages: always 1
with place as (
  select
    identifier.message_id,
    identifier.path,
    identifier.source_id,
    identifier.sequence,
    arg_min(identifier.id, identifier.ordinal) filter (
      where identifier.id_type = own_id_type.id_type
    ) as own_id
  from evidence.patient_identifier as identifier
  left join evidence.own_id_type
    on own_id_type.source_id = identifier.source_id
  where not identifier.is_previous
  group by identifier.message_id, identifier.path, identifier.source_id, identifier.sequence
),

named as (
  select
    place.message_id,
    place.path,
    place.source_id,
    place.sequence,
    place.own_id,
    coalesce(patient_survivor.survivor_id, place.own_id) as survivor_id
  from place
  left join evidence.patient_survivor
    on patient_survivor.source_id = place.source_id
    and patient_survivor.id = place.own_id
),

nameless as (
  select
    identifier.message_id,
    identifier.path,
    identifier.source_id,
    identifier.id_type,
    identifier.id,
    identifier.ordinal
  from evidence.patient_identifier as identifier
  semi join named
    on named.message_id = identifier.message_id
    and named.path = identifier.path
    and named.own_id is null
  where not identifier.is_previous
),

companion as (
  select
    identifier.source_id,
    identifier.id_type,
    identifier.id,
    min(named.survivor_id) as survivor_id
  from evidence.patient_identifier as identifier
  inner join named
    on named.message_id = identifier.message_id
    and named.path = identifier.path
    and named.own_id is not null
  semi join nameless
    on nameless.source_id = identifier.source_id
    and nameless.id_type = identifier.id_type
    and nameless.id = identifier.id
  where not identifier.is_previous
  group by identifier.source_id, identifier.id_type, identifier.id
  having count(distinct named.survivor_id) = 1
),

resolved as (
  select
    nameless.message_id,
    nameless.path,
    arg_min(companion.survivor_id, nameless.ordinal) as survivor_id
  from nameless
  inner join companion
    on companion.source_id = nameless.source_id
    and companion.id_type = nameless.id_type
    and companion.id = nameless.id
  group by nameless.message_id, nameless.path
)

select
  named.message_id,
  named.path,
  named.source_id || ':' || coalesce(named.survivor_id, resolved.survivor_id) as patient_id,
  named.source_id,
  named.own_id as source_patient_id,
  named.source_id || ':' || coalesce(named.own_id, resolved.survivor_id) as own_patient_id,
  message.data_model,
  message.event_type,
  named.sequence,
  message.seen_at as first_seen_at,
  message.seen_date as first_seen_date,
  message.seen_at as last_seen_at,
  message.seen_date as last_seen_date,
  1 as messages
from named
inner join evidence.message as message
  on message.message_id = named.message_id
left join resolved
  on resolved.message_id = named.message_id
  and resolved.path = named.path
