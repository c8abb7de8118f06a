with referrers as (select * from {{ source('ga4', 'referrer') }} where part = '')

select
    property_key,
    day,
    'ga4'::text as witness,
    {{ told_visit() }},
    null::bigint[] as other_url_keys,
    is_cut,
    host_name,
    event_count as visit_count,
    null::double precision as key_event_count,
    null::double precision as revenue,
    null::text as currency
from referrers
