with landings as (select * from {{ source('ga4', 'landing') }} where part = '')

select
    property_key,
    day,
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
    total_revenue as revenue
from landings
