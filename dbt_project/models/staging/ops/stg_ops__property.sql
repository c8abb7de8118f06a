with properties as (select * from {{ source('ops', 'property') }})

select
    property_key,
    property_name,
    domain,
    history_start as history_start_date,
    engine,
    location_code,
    language_code,
    depth,
    links_whole_since as links_whole_since_date,
    link_cadence_days,
    hourly_rate,
    is_active,
    pool_state = 'in' as is_pooled
from properties
