with counts as (select * from {{ source('bing_webmaster', 'link_count') }} where part = '')

select
    property_key,
    day,
    url as literal_url,
    coalesce(url_normalised, url) as page_url,
    {{ page_key('url') }} as page_key,
    count as link_count,
    is_asked,
    observed_at
from counts
