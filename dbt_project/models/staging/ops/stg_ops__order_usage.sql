with usages as (select * from {{ source('ops', 'order_usage') }})

select
    order_usage_id,
    property_key,
    source,
    (noted_at at time zone 'UTC')::date as call_date,
    calls,
    calls_reused,
    calls_cut,
    units,
    bytes_read,
    money
from usages
