-- The share of the organizations sending an event type that fill the field at all.
-- grain: one row per data model, event type, test flag and path that any organization fills
-- key: data_model, event_type, is_test, path
-- reads: quality.message_count, quality.path_count, quality.organization, quality.count_period
-- An organization is what quality.organization lists for the source and facility, else for the source
-- (a line without facility), else the source itself. One message is enough for it to fill the field.
with organization as (
  select
    source_id,
    facility_code,
    min(organization) as organization
  from quality.organization
  group by source_id, facility_code
),

sender as (
  select
    message_count.source_id,
    message_count.facility_code,
    min(coalesce(exact.organization, whole.organization, message_count.source_id)) as organization
  from quality.message_count
  left join organization as exact
    on exact.source_id = message_count.source_id
    and exact.facility_code = message_count.facility_code
  left join organization as whole
    on whole.source_id = message_count.source_id
    and whole.facility_code = ''
  group by message_count.source_id, message_count.facility_code
),

sending as (
  select
    message_count.data_model,
    message_count.event_type,
    message_count.is_test,
    count(distinct sender.organization) as organizations
  from quality.message_count
  inner join sender
    on sender.source_id = message_count.source_id
    and sender.facility_code = message_count.facility_code
  where message_count.day >= (select first_day from quality.count_period)
    and message_count.messages > 0
  group by message_count.data_model, message_count.event_type, message_count.is_test
),

path_sender as (
  select
    source_id,
    facility_code,
    data_model,
    event_type,
    is_test,
    path
  from quality.path_count
  where day >= (select first_day from quality.count_period)
    and messages > 0
  group by source_id, facility_code, data_model, event_type, is_test, path
),

carrying as (
  select
    path_sender.data_model,
    path_sender.event_type,
    path_sender.is_test,
    path_sender.path,
    count(distinct sender.organization) as organizations_carrying
  from path_sender
  inner join sender
    on sender.source_id = path_sender.source_id
    and sender.facility_code = path_sender.facility_code
  group by
    path_sender.data_model,
    path_sender.event_type,
    path_sender.is_test,
    path_sender.path
)

select
  carrying.data_model,
  carrying.event_type,
  carrying.is_test,
  carrying.path,
  carrying.organizations_carrying,
  sending.organizations,
  carrying.organizations_carrying / sending.organizations as organization_rate
from carrying
inner join sending
  on sending.data_model = carrying.data_model
  and sending.event_type = carrying.event_type
  and sending.is_test = carrying.is_test
