with totals as (select * from {{ source('exports', 'search_total') }})

select
    property_key,
    day,
    part,
    round(clicks)::bigint as clicks,
    round(impressions)::bigint as impressions,
    case when impressions > 0 then position::numeric else 0 end as position,
    exported_at as observed_at
from totals
