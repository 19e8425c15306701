-- Who is behind a source ID: the name that most of its messages have, and its organization.
-- grain: one row per source ID in messages or quality.organization
-- key: source_id
-- reads: core.message, quality.organization
-- source_name is the most frequent Meta.Source.Name of the source, and named_messages counts the
-- messages that have it. organization is what quality.organization lists for the source; null if it
-- lists several.
with counted as (
  select
    coalesce(source_id, '') as source_id,
    source_name,
    count(*) as messages
  from core.message
  group by all
),

named as (
  select
    source_id,
    arg_max(source_name, (messages, source_name)) filter (where source_name <> '') as source_name,
    coalesce(max(messages) filter (where source_name <> ''), 0)::bigint as named_messages
  from counted
  group by source_id
),

organized as (
  select
    source_id,
    min(organization) as organization
  from quality.organization
  group by source_id
  having count(distinct organization) = 1
)

select
  coalesce(named.source_id, organized.source_id) as source_id,
  named.source_name,
  organized.organization,
  coalesce(named.named_messages, 0) as named_messages
from named
full join organized
  on organized.source_id = named.source_id
