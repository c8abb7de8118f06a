with visits as (select * from {{ source('matomo', 'visit') }} where part = '')

select
    property_key,
    day,
    'matomo'::text as witness,
    referrer_state,
    coalesce(referrer_normalised, referrer) as referrer_url,
    {{ referrer_host('coalesce(referrer_normalised, referrer)') }} as referrer_host,
    referrer_domain,
    referrer_key as referrer_url_key,
    null::bigint[] as other_url_keys,
    coalesce(landing_normalised, landing) as landing_url,
    {{ page_key('landing') }} as landing_url_key,
    landing_tag,
    visits as visit_count,
    goal_conversions::double precision as key_event_count,
    revenue as revenue,
    currency as currency
from visits
