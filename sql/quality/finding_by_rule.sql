-- What each rule found and where, what it means and what to do, worst first.
-- grain: one row per rule, data model, path and source
-- key: rule, data_model, path, source_id
-- reads: quality.finding_count, quality.rule
-- Keys that do not look like keys are shown as ["*"].
with found as (
  select
    rule,
    severity,
    data_model,
    regexp_replace(path, '\["([^"\\]|\\.)*"\]', '["*"]', 'g') as path,
    source_id,
    cast(sum(findings) as bigint) as findings,
    cast(sum(messages) as bigint) as messages,
    min(day) as first_day,
    max(day) as last_day
  from quality.finding_count
  group by all
)

select
  found.rule,
  found.severity,
  found.data_model,
  found.path,
  found.source_id,
  found.findings,
  found.messages,
  found.first_day,
  found.last_day,
  rule.area,
  rule.meaning,
  rule.action
from found
left join quality.rule
  on rule.rule = found.rule
