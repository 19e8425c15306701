-- The rating that applies to each field that a source sends or could send: the site's own expectation,
-- else a documented one, else an inferred one; specific lines win over general ones.
-- grain: one row per source, data model, event type and path that has an expectation
-- key: source_id, data_model, event_type, path
-- reads: quality.message_count, quality.expectation
-- Ratings are never invented: if nobody states one, rating is null.
with feed as (
  select distinct
    source_id,
    data_model,
    event_type
  from quality.message_count
),

matching as (
  select
    feed.source_id,
    feed.data_model,
    feed.event_type,
    expectation.path,
    nullif(expectation.rating, '') as rating,
    expectation.required,
    expectation.is_inferred,
    expectation.is_site,
    expectation.source,
    row_number() over (
      partition by feed.source_id, feed.data_model, feed.event_type, expectation.path
      order by
        nullif(expectation.rating, '') is null,
        expectation.is_site desc,
        expectation.is_inferred,
        expectation.source_id = '',
        expectation.data_model = '*',
        expectation.event_type = '*',
        expectation.source,
        expectation.rating
    ) as place,
    max(expectation.required) over (
      partition by feed.source_id, feed.data_model, feed.event_type, expectation.path
    ) as is_required
  from feed
  inner join quality.expectation
    on (expectation.data_model = feed.data_model or expectation.data_model = '*')
    and (expectation.event_type = feed.event_type or expectation.event_type = '*')
    and (expectation.source_id = feed.source_id or expectation.source_id = '')
)

select
  source_id,
  data_model,
  event_type,
  path,
  rating,
  is_required,
  rating is not null and is_inferred as is_inferred,
  case
    when rating is null then null
    when is_inferred then 'inferred'
    when is_site then 'site'
    else 'documented'
  end as rating_basis,
  case when rating is not null then source end as rating_source
from matching
where place = 1
