with months as (select * from {{ source('ops', 'load_month') }})

select
    property_key,
    source,
    month as call_date,
    calls,
    calls_reused,
    calls_cut,
    0::numeric as units,
    bytes_read,
    0::numeric as money
from months
