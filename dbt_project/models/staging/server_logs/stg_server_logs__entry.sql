with entries as (select * from {{ source('server_logs', 'entry') }})

select
    property_key,
    day,
    part,
    'logs'::text as witness,
    stream,
    {{ told_visit() }},
    null::bigint[] as other_url_keys,
    entry_count as visit_count,
    null::double precision as key_event_count,
    null::double precision as revenue,
    null::text as currency,
    exported_at as observed_at
from entries
