-- Where merges lead: the last survivor of each retired identifier of a source's own type.
-- grain: one row per retired identifier; key: source_id, id
-- stored: whole
-- reads: evidence.patient_merge, evidence.own_id_type
-- columns:
--   source_id: Meta.Source.ID
--   id: the retired identifier
--   survivor_id: the identifier at the end of the chain
--   sequence: rank in time of the merge that retired it
with recursive merge as (
  select
    patient_merge.source_id,
    patient_merge.id,
    patient_merge.survivor_id,
    patient_merge.sequence
  from evidence.patient_merge
  inner join evidence.own_id_type
    on own_id_type.source_id = patient_merge.source_id
    and own_id_type.id_type = patient_merge.id_type
  where patient_merge.survivor_id is not null
),

chain as (
  select
    source_id,
    id,
    survivor_id,
    sequence,
    1 as length
  from merge
  union all
  select
    chain.source_id,
    chain.id,
    merge.survivor_id,
    chain.sequence,
    chain.length + 1
  from chain
  inner join merge
    on merge.source_id = chain.source_id
    and merge.id = chain.survivor_id
  where chain.length < 1000
)

select
  source_id,
  id,
  arg_max(survivor_id, length) as survivor_id,
  any_value(sequence) as sequence
from chain
group by source_id, id
