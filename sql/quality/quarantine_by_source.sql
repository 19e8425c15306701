-- Quarantined items by what they say about themselves: FHIR, and data models that the catalog does not
-- have, name their data model and sometimes their source.
-- grain: one row per reason, data model and source
-- key: reason, data_model, source_id
-- reads: core.quarantine
-- data_model and source_id are '' if the item does not say. Times are UTC.
select
  reason,
  coalesce(data_model, '') as data_model,
  coalesce(source_id, '') as source_id,
  count(*) as items,
  count(*) filter (state = 'open') as open_items,
  min(coalesce(received_at, quarantined_at)) as first_at,
  max(coalesce(received_at, quarantined_at)) as last_at
from core.quarantine
group by reason, coalesce(data_model, ''), coalesce(source_id, '')
