-- The ledger in total: is every received item loaded, a duplicate, quarantined or purged?
-- grain: one row; key: none
-- reads: core.load, core.quarantine, core.landed_object, core.load_part
-- quarantined counts the recorded items that no replay has loaded, including resolved ones. A purge
-- subtracts from what was loaded, duplicate or quarantined, and adds the same to purged.
with load_total as (
  select
    coalesce(sum(received), 0) as received,
    coalesce(sum(loaded), 0) as loaded,
    coalesce(sum(duplicate), 0) as duplicate,
    coalesce(sum(purged), 0) as purged,
    count(*) filter (
      where received + replayed <> loaded + duplicate + quarantined + coalesce(purged, 0)
    ) as bad_loads
  from core.load
),

kept as (
  select
    count(*) filter (where state not in ('replayed', 'purged')) as quarantined,
    count(*) filter (where state = 'open') as open_quarantined
  from core.quarantine
),

taken as (
  select
    object_id,
    sum(item_count) as items
  from core.load_part
  group by object_id
),

object as (
  select
    count(*) as objects,
    count(*) filter (where coalesce(taken.items, 0) < landed_object.item_count) as partly_taken,
    count(*) filter (where coalesce(taken.items, 0) > landed_object.item_count) as overtaken
  from core.landed_object
  left join taken
    on taken.object_id = landed_object.object_id
)

select
  cast(load_total.received as bigint) as received,
  cast(load_total.loaded as bigint) as loaded,
  cast(load_total.duplicate as bigint) as duplicate,
  kept.quarantined,
  cast(load_total.purged as bigint) as purged,
  kept.open_quarantined,
  object.objects,
  object.partly_taken,
  load_total.received = load_total.loaded + load_total.duplicate + kept.quarantined + load_total.purged
    and load_total.bad_loads = 0
    and object.overtaken = 0 as is_balanced
from load_total
cross join kept
cross join object
