with entries as (select * from {{ source('server_logs', 'entry') }})

select
    property_key,
    day,
    part,
    'logs'::text as witness,
    stream,
    referrer_state,
    coalesce(referrer_normalised, referrer) as referrer_url,
    {{ referrer_host('coalesce(referrer_normalised, referrer)') }} as referrer_host,
    referrer_domain,
    referrer_key as referrer_url_key,
    null::bigint[] as other_url_keys,
    coalesce(landing_normalised, landing) as landing_url,
    {{ page_key('landing') }} as landing_url_key,
    landing_tag,
    entry_count as visit_count,
    null::double precision as key_event_count,
    null::double precision as revenue,
    null::text as currency,
    exported_at as observed_at
from entries
