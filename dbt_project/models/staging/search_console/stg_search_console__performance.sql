with performance as (select * from {{ source('search_console', 'performance') }} where part = '')

select
    property_key,
    day,
    {{ page_key('page_url') }} as page_key,
    coalesce(page_url_normalised, page_url) as page_url,
    page_url as literal_page_url,
    {{ key64('query') }} as query_key,
    query,
    country,
    lower(device) as device,
    clicks::bigint as clicks,
    impressions::bigint as impressions,
    position::numeric as position,
    null::timestamptz as observed_at
from performance
