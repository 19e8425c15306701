-- What is wrong in which feed and when: findings of every severity, beside all messages of the feed.
-- grain: one row per rule, data model, event type, path, source, test flag and UTC day
-- key: rule, data_model, event_type, path, source_id, is_test, day
-- reads: quality.finding_count, quality.message_count
-- findings and messages can be summed over days, sources and event types. messages cannot be summed
-- over paths or rules, because one message may break several. Keys that do not look like keys are
-- shown together as ["*"]; messages is then an upper bound.
with found as (
  select
    rule,
    severity,
    data_model,
    event_type,
    regexp_replace(path, '\["([^"\\]|\\.)*"\]', '["*"]', 'g') as path,
    source_id,
    is_test,
    day,
    cast(sum(findings) as bigint) as findings,
    cast(sum(messages) as bigint) as messages
  from quality.finding_count
  group by all
),

feed as (
  select
    data_model,
    event_type,
    source_id,
    is_test,
    day,
    cast(sum(messages) as bigint) as messages
  from quality.message_count
  group by all
)

select
  found.rule,
  found.severity,
  found.data_model,
  found.event_type,
  found.path,
  found.source_id,
  found.is_test,
  found.day,
  found.findings,
  found.messages,
  coalesce(feed.messages, 0) as feed_messages
from found
left join feed
  on feed.data_model = found.data_model
  and feed.event_type = found.event_type
  and feed.source_id = found.source_id
  and feed.is_test = found.is_test
  and feed.day = found.day
