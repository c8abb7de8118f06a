with keywords as (select * from {{ source('ops', 'tracked_keyword') }})

select
    property_key,
    {{ key64('keyword') }} as keyword_key,
    keyword,
    coalesce(page_url_normalised, page_url) as page_url,
    {{ page_key('page_url') }} as page_key,
    is_brand
from keywords
