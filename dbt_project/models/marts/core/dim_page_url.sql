with versions as (select * from {{ ref('int_page__version_pages') }})

select
    property_key,
    url_key,
    valid_from_date,
    case when valid_to_date < 'infinity' then valid_to_date end as valid_to_date,
    url,
    page_key,
    page_url,
    reason,
    valid_to_date = 'infinity' as is_current
from versions
