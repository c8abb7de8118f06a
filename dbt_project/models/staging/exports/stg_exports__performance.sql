with performance as (select * from {{ source('exports', 'performance') }})

select
    property_key,
    day,
    part,
    {{ page_key('page_url') }} as page_key,
    coalesce(page_url_normalised, page_url) as page_url,
    page_url as literal_page_url,
    case when query is not null then {{ key64('query') }} end as query_key,
    query,
    country,
    lower(device) as device,
    round(clicks)::bigint as clicks,
    round(impressions)::bigint as impressions,
    case when impressions > 0 then position::numeric else 0 end as position,
    exported_at as observed_at
from performance
