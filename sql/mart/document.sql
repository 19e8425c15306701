-- Notes and media by document ID. Their content stays in the message that brought it.
-- A document is replaced if a newer one names it as its original. Otherwise the newest event decides:
-- Delete gives deleted, any other current.
-- grain: one row per source and document ID; key: document_key
-- stored: whole
-- refers: patient_id -> mart.patient, encounter_id -> mart.encounter
-- words: status (current, replaced, deleted)
-- not before: last_seen_at >= first_seen_at
-- ledger: select count(*) from (select distinct message_id, document_id from evidence.document
--   where document_id is not null) as carried
-- reads: evidence.document, mart.encounter
-- columns:
--   document_key: MD5 of source and document ID
--   document_id: DocumentID as received
--   patient_id: the patient, after merges
--   encounter_id: the visit, if a PatientAdmin message describes it
--   visit_number: Visit.VisitNumber as received
--   data_source: Meta.Source.ID
--   source_name: newest Meta.Source.Name
--   data_model: Notes or Media
--   document_type: DocumentType
--   title: DocumentDescription
--   status: current, replaced or deleted
--   source_status: status as received
--   availability: availability as received
--   content_type: media type of the content
--   file_name: name of the file
--   content_message_id: newest message that includes the document; look there for the content
--   service_at: ServiceDateTime
--   service_date: UTC date of service_at
--   documented_at: DocumentationDateTime
--   documented_date: UTC date of documented_at
--   practitioner_id: ID of the author
--   replaces_id: document ID of the document that this one replaces
--   replaced_by_id: document ID of the document that replaces this one
--   first_seen_at: when it was first seen
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when it was last seen
--   last_seen_date: UTC date of last_seen_at
--   messages: number of messages that include it
with carried as (
  select *
  from evidence.document
  where document_id is not null
),

successor as (
  select
    source_id,
    original_document_id as document_id,
    arg_max(document_id, sequence) as replaced_by_id
  from carried
  where original_document_id <> document_id
  group by source_id, original_document_id
),

state as (
  select
    source_id,
    document_id,
    arg_max(source_name, sequence) as source_name,
    arg_max(patient_id, sequence) as patient_id,
    arg_max(visit_id, sequence) as visit_id,
    arg_max(visit_number, sequence) as visit_number,
    arg_max(data_model, sequence) as data_model,
    arg_max(document_type, sequence) as document_type,
    arg_max(title, sequence) as title,
    arg_max(source_status, sequence) as source_status,
    arg_max(availability, sequence) as availability,
    arg_max(content_type, sequence) as content_type,
    arg_max(file_name, sequence) as file_name,
    arg_max(service_at, sequence) as service_at,
    arg_max(documented_at, sequence) as documented_at,
    arg_max(practitioner_id, sequence) as practitioner_id,
    arg_max(message_id, sequence) filter (where event_type <> 'Delete') as content_message_id,
    arg_max(original_document_id, sequence) filter (
      where original_document_id <> document_id
    ) as replaces_id,
    arg_max(event_type, sequence) as newest_event,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    count(distinct message_id) as messages
  from carried
  group by source_id, document_id
)

select
  md5(concat_ws('|', state.source_id, state.document_id)) as document_key,
  state.document_id,
  state.patient_id,
  encounter.encounter_id,
  state.visit_number,
  state.source_id as data_source,
  state.source_name,
  state.data_model,
  state.document_type,
  state.title,
  case
    when successor.replaced_by_id is not null then 'replaced'
    when state.newest_event = 'Delete' then 'deleted'
    else 'current'
  end as status,
  state.source_status,
  state.availability,
  state.content_type,
  state.file_name,
  state.content_message_id,
  state.service_at,
  core.utc_date(state.service_at) as service_date,
  state.documented_at,
  core.utc_date(state.documented_at) as documented_date,
  state.practitioner_id,
  state.replaces_id,
  successor.replaced_by_id,
  state.first_seen_at,
  core.utc_date(state.first_seen_at) as first_seen_date,
  state.last_seen_at,
  core.utc_date(state.last_seen_at) as last_seen_date,
  state.messages
from state
left join successor
  on successor.source_id = state.source_id
  and successor.document_id = state.document_id
left join mart.encounter
  on encounter.encounter_id = state.visit_id
