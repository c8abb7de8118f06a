with totals as (select * from {{ source('ga4', 'total') }} where part = '')

select
    property_key,
    day,
    sessions as session_count,
    engaged_sessions as engaged_session_count,
    key_events as key_event_count,
    total_revenue as revenue,
    currency
from totals
