with pages as (select * from {{ source('exports', 'page') }})

select
    property_key,
    day,
    part,
    {{ page_key('url') }} as page_key,
    coalesce(url_normalised, url) as url,
    topic,
    published_on as published_date,
    exported_at as observed_at
from pages
