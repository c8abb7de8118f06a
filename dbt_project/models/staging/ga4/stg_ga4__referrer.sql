with referrers as (select * from {{ source('ga4', 'referrer') }} where part = '')

select
    property_key,
    day,
    'ga4'::text as witness,
    referrer_state,
    coalesce(referrer_normalised, referrer) as referrer_url,
    {{ referrer_host('coalesce(referrer_normalised, referrer)') }} as referrer_host,
    referrer_domain,
    referrer_key as referrer_url_key,
    null::bigint[] as other_url_keys,
    is_cut,
    host_name,
    coalesce(landing_normalised, landing) as landing_url,
    {{ page_key('landing') }} as landing_url_key,
    landing_tag,
    event_count as visit_count,
    null::double precision as key_event_count,
    null::double precision as revenue,
    null::text as currency
from referrers
