-- The ledger, load by load: what was received and what became of it. A purge is a load that adds to
-- purged and has negative counts for what it removed.
-- grain: one row per load; key: load_id
-- reads: core.load
select
  load_id,
  kind,
  started_at,
  finished_at,
  epoch(finished_at - started_at) as seconds,
  bytes,
  received,
  replayed,
  loaded,
  duplicate,
  quarantined,
  coalesce(purged, 0) as purged,
  received + replayed = loaded + duplicate + quarantined + coalesce(purged, 0) as is_balanced,
  catalog_hash
from core.load
