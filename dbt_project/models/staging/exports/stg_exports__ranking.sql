with rankings as (select * from {{ source('exports', 'ranking') }})

select
    property_key,
    day,
    part,
    {{ key64('keyword') }} as keyword_key,
    keyword,
    engine,
    country,
    language as language_code,
    device,
    state,
    depth,
    position,
    coalesce(url_normalised, url) as ranking_url,
    {{ page_key('url') }} as ranking_page_key,
    {{ url_host('url_normalised') }} as ranking_host,
    exported_at
from rankings
