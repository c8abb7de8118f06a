with loads as (select * from {{ source('ops', 'load') }})

select
    load_id,
    property_key,
    source,
    (started_at at time zone 'UTC')::date as call_date,
    calls,
    calls_reused,
    calls_cut,
    units,
    bytes_read,
    money
from loads
