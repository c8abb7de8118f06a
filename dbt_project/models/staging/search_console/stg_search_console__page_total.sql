with totals as (select * from {{ source('search_console', 'page_total') }} where part = '')

select
    property_key,
    day,
    {{ page_key('page_url') }} as page_key,
    coalesce(page_url_normalised, page_url) as page_url,
    page_url as literal_page_url,
    null::bigint as query_key,
    null::text as query,
    country,
    lower(device) as device,
    clicks::bigint as clicks,
    impressions::bigint as impressions,
    position::numeric as position,
    null::timestamptz as observed_at
from totals
