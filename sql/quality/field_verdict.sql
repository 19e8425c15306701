-- Does each field keep its reliability rating? The measured rate against the rating that applies.
-- grain: one row per source, data model, event type, test flag and path
-- key: source_id, data_model, event_type, is_test, path
-- reads: quality.field_population, quality.field_rating, quality.field_organization_rate,
--   quality.reliability_setting
-- Bounds are exclusive: Reliable is more than 90%, Probable more than 50%, Possible less than 50%
-- with no lower bound. The verdict is below or above only if the whole interval lies beyond the bound.
-- Otherwise it is met: surely (the whole interval is within), likely (the rate is within) or perhaps
-- (only a part of the interval is within). margin is the distance of the rate from its bound, negative
-- if it breaks it. Inferred ratings and test messages never fail a check.
with setting as (
  select
    max(value) filter (where name = 'reliable_above') as reliable_above,
    max(value) filter (where name = 'probable_above') as probable_above,
    max(value) filter (where name = 'possible_below') as possible_below,
    max(value) filter (where name = 'min_messages') as min_messages
  from quality.reliability_setting
),

rated as (
  select
    population.*,
    rating.rating,
    coalesce(rating.is_required, false) as is_required,
    coalesce(rating.is_inferred, false) as is_inferred,
    rating.rating_basis,
    rating.rating_source,
    coalesce(organization_rate.organizations_carrying, 0) as organizations_carrying,
    organization_rate.organizations,
    organization_rate.organization_rate,
    case rating.rating
      when 'Reliable' then setting.reliable_above
      when 'Probable' then setting.probable_above
    end as lower_bound,
    case rating.rating
      when 'Possible' then setting.possible_below
    end as upper_bound,
    coalesce(population.messages >= setting.min_messages, false) as is_enough,
    setting.min_messages,
    case
      when population.request_rate > setting.reliable_above then 'Reliable'
      when population.request_rate > setting.probable_above then 'Probable'
      else 'Possible'
    end as nearest_band,
    case
      when population.request_rate > setting.reliable_above
        then population.rate_low > setting.reliable_above
      when population.request_rate > setting.probable_above
        then population.rate_low > setting.probable_above
          and population.rate_high <= setting.reliable_above
      else population.rate_high <= setting.probable_above
    end as is_surely_in_band
  from quality.field_population as population
  cross join setting
  left join quality.field_rating as rating
    on rating.source_id = population.source_id
    and rating.data_model = population.data_model
    and rating.event_type = population.event_type
    and rating.path = population.path
  left join quality.field_organization_rate as organization_rate
    on organization_rate.data_model = population.data_model
    and organization_rate.event_type = population.event_type
    and organization_rate.is_test = population.is_test
    and organization_rate.path = population.path
),

judged as (
  select
    rated.*,
    case
      when not is_listed and coalesce(rating_basis, '') <> 'site' then 'not_listed_for_event'
      when rating is null then 'not_documented'
      when not is_enough then 'not_enough_messages'
      when rate_high <= lower_bound then 'below'
      when rate_low >= upper_bound then 'above'
      else 'met'
    end as verdict,
    coalesce(rate_low > lower_bound, rate_high < upper_bound) as is_surely_within,
    coalesce(request_rate > lower_bound, request_rate < upper_bound) as is_likely_within
  from rated
),

certain as (
  select
    judged.*,
    case
      when verdict in ('below', 'above') then 'surely'
      when verdict = 'met' and is_surely_within then 'surely'
      when verdict = 'met' and is_likely_within then 'likely'
      when verdict = 'met' then 'perhaps'
      when verdict = 'not_documented' and is_enough and is_surely_in_band then 'surely'
      when verdict = 'not_documented' and is_enough then 'likely'
    end as certainty,
    case when is_enough then nearest_band end as observed_band
  from judged
),

worded as (
  select
    certain.*,
    format('{:,}', messages_populated) as populated_text,
    format('{:,} message{}', messages, if(messages = 1, '', 's')) as messages_text,
    case
      when request_rate > 0 and request_rate < 0.0005 then 'under 0.1%'
      when request_rate < 1 and request_rate >= 0.9995 then 'over 99.9%'
      else format('{:.1f}%', 100 * request_rate)
    end as rate_text,
    format('between {:.1f}% and {:.1f}%', 100 * rate_low, 100 * rate_high) as interval_text,
    case
      when lower_bound is not null then format('more than {:g}%', 100 * lower_bound)
      else format('less than {:g}%', 100 * upper_bound)
    end as bound_text,
    case rating_basis
      when 'site' then format('the rating {} this site expects', rating)
      else format('its {} rating {}', rating_basis, rating)
    end as rating_text
  from certain
)

select
  source_id,
  data_model,
  event_type,
  is_test,
  path,
  kind,
  verdict,
  certainty,
  verdict = 'below' and not is_inferred and not is_test as fails_check,
  case
    when verdict = 'not_listed_for_event' then format(
      'Filled in {} of {} although the event type does not list it.',
      populated_text, messages_text
    )
    when messages = 0 then 'No messages are counted.'
    when verdict = 'not_documented' and messages_populated = 0 then format(
      'No rating is documented here; never filled in {}.', messages_text
    )
    when verdict = 'not_documented' and not is_enough then format(
      'No rating is documented here; filled in {} of {}, too few to name a band.',
      populated_text, messages_text
    )
    when verdict = 'not_documented' then format(
      'No rating is documented here; filled in {} of {}, {} as a {} field.',
      rate_text, messages_text, certainty, observed_band
    )
    when verdict = 'not_enough_messages' then format(
      'Filled in {} of {}: too few to evaluate {} ({:g} are needed).',
      populated_text, messages_text, rating_text, min_messages
    )
    when verdict = 'below' then format(
      'Falls below {}: filled in {} of {} ({}), surely not {}.',
      rating_text, rate_text, messages_text, interval_text, bound_text
    )
    when verdict = 'above' then format(
      'Exceeds {}: filled in {} of {} ({}), surely not {}.',
      rating_text, rate_text, messages_text, interval_text, bound_text
    )
    when certainty = 'perhaps' then format(
      'May still meet {}: filled in {} of {} ({}), so {} cannot be ruled out.',
      rating_text, rate_text, messages_text, interval_text, bound_text
    )
    else format(
      'Meets {}: filled in {} of {} ({}), {} {}.',
      rating_text, rate_text, messages_text, interval_text, certainty, bound_text
    )
  end as verdict_text,
  rating,
  rating_basis,
  rating_source,
  is_inferred,
  is_required,
  observed_band,
  messages_populated,
  messages,
  request_rate,
  rate_low,
  rate_high,
  coalesce(request_rate - lower_bound, upper_bound - request_rate) as margin,
  organizations_carrying,
  organizations,
  organization_rate,
  elements,
  element_denominator,
  element_rate,
  mean_elements,
  parent_denominator,
  parent_rate
from worded
