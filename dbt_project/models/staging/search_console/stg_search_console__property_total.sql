with totals as (select * from {{ source('search_console', 'property_total') }} where part = '')

select
    property_key,
    day,
    clicks::bigint as clicks,
    impressions::bigint as impressions,
    position::numeric as position,
    null::timestamptz as observed_at
from totals
