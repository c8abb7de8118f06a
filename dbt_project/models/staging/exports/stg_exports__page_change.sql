with changes as (select * from {{ source('exports', 'page_change') }})

select
    property_key,
    day,
    part,
    {{ page_key('url') }} as page_key,
    coalesce(url_normalised, url) as url,
    {{ bounded('kind', 1000) }} as kind,
    exported_at as observed_at
from changes
