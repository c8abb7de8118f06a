with links as (select * from {{ source('site_crawl', 'link') }} where part = '')

select
    property_key,
    day,
    coalesce(source_url_normalised, source_url) as source_url,
    {{ page_key('source_url') }} as source_page_key,
    source_url as literal_source_url,
    link_no,
    target_url as literal_target_url,
    coalesce(target_url_normalised, target_url) as target_url,
    {{ page_key('target_url') }} as target_page_key,
    target_url_domain as target_domain,
    anchor,
    array(select distinct lower(token) from unnest(rel) as token order by 1) as rel,
    place,
    is_internal,
    observed_at
from links
