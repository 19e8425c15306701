-- Insurance coverage of patients: the list in the newest message that has one.
-- grain: one row per patient and position on the list; key: patient_id, list_position
-- stored: whole
-- refers: patient_id -> mart.patient
-- reads: evidence.coverage
-- columns:
--   patient_id: the patient, after merges
--   list_position: 1-based position on the list
--   data_source: Meta.Source.ID
--   source_name: Meta.Source.Name
--   list: path of the list
--   priority: Priority if it is a number, else the position
--   payer_id: Company.ID
--   payer: Company.Name
--   plan_id: Plan.ID
--   plan: Plan.Name
--   plan_type: Plan.Type
--   coverage_type: CoverageType
--   member_number: MemberNumber
--   policy_number: PolicyNumber
--   group_number: GroupNumber
--   group_name: GroupName
--   insured_relationship: the insured's relationship to the patient
--   effective_date: EffectiveDate
--   expiration_date: ExpirationDate
--   first_seen_at: when the list was received
--   first_seen_date: UTC date of first_seen_at
--   last_seen_at: when the list was received
--   last_seen_date: UTC date of last_seen_at
--   messages: always 1
with listed as (
  select *
  from evidence.coverage
  where patient_id is not null
    and event_type <> 'PatientMerge'
),

newest as (
  select
    patient_id,
    max(sequence) as sequence
  from listed
  group by patient_id
),

list as (
  select
    listed.patient_id,
    arg_min(listed.list, case when listed.list like 'Visit%' then 1 else 0 end) as list,
    any_value(listed.message_id) as message_id
  from listed
  semi join newest
    on newest.patient_id = listed.patient_id
    and newest.sequence = listed.sequence
  group by listed.patient_id
),

state as (
  select
    listed.*,
    row_number() over (
      partition by listed.patient_id order by listed.ordinal, listed.path
    ) as list_position
  from listed
  semi join list
    on list.patient_id = listed.patient_id
    and list.message_id = listed.message_id
    and list.list = listed.list
)

select
  state.patient_id,
  state.list_position,
  state.source_id as data_source,
  state.source_name,
  state.list,
  coalesce(try_cast(state.priority as integer), state.list_position) as priority,
  state.payer_id,
  state.payer,
  state.plan_id,
  state.plan,
  state.plan_type,
  state.coverage_type,
  state.member_number,
  state.policy_number,
  state.group_number,
  state.group_name,
  state.insured_relationship,
  state.effective_date,
  state.expiration_date,
  state.seen_at as first_seen_at,
  core.utc_date(state.seen_at) as first_seen_date,
  state.seen_at as last_seen_at,
  core.utc_date(state.seen_at) as last_seen_date,
  1 as messages
from state
