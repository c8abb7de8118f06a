with results as (select * from {{ source('dataforseo_serp', 'result') }} where part = '')

select
    property_key,
    day,
    {{ key64('keyword') }} as keyword_key,
    keyword,
    'google' as engine,
    location_code,
    language_code,
    location_code || '-' || language_code as locale,
    device,
    item_no,
    type as item_type,
    rank_group as group_position,
    rank_absolute as absolute_position,
    url_domain as domain,
    {{ domain_key('url_domain') }} as domain_key,
    coalesce({{ url_host('url_normalised') }}, lower(domain)) as host,
    coalesce(url_normalised, url) as url,
    {{ page_key('url') }} as page_key,
    url as literal_url,
    title,
    description,
    breadcrumb,
    observed_at
from results
