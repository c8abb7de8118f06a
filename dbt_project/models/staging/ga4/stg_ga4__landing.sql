with landings as (select * from {{ source('ga4', 'landing') }} where part = '')

select
    property_key,
    day,
    'ga4'::text as witness,
    -- Words of Google's, as (direct) and google, are no hosts.
    case
        when session_source ~ '^[^()\s/]+\.[^()\s/.]+$'
        then regexp_replace(lower(session_source), '^www\.', '')
    end as source_host,
    session_source,
    session_medium,
    channel_group,
    host_name,
    coalesce(landing_normalised, landing) as landing_url,
    {{ page_key('landing') }} as landing_url_key,
    landing_tag,
    sessions as session_count,
    engaged_sessions as engaged_session_count,
    key_events as key_event_count,
    total_revenue as revenue,
    currency
from landings
