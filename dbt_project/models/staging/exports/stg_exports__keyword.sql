with keywords as (select * from {{ source('exports', 'keyword') }})

select
    property_key,
    day,
    part,
    {{ key64('keyword') }} as keyword_key,
    keyword,
    coalesce(page_url_normalised, page_url) as page_url,
    {{ page_key('page_url') }} as page_key,
    topic,
    is_brand,
    exported_at as observed_at
from keywords
