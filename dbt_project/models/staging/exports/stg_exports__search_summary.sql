with summaries as (select * from {{ source('exports', 'search_summary') }})

select
    property_key,
    day,
    part,
    last_day,
    dimension,
    case when dimension = 'device' then lower(value) else value end as value,
    round(clicks)::bigint as clicks,
    round(impressions)::bigint as impressions,
    case when impressions > 0 then position::numeric else 0 end as position,
    exported_at as observed_at
from summaries
