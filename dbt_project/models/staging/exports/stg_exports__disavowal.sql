with listed as (select * from {{ source('exports', 'disavowal') }})

select
    property_key,
    day,
    part,
    statement,
    case when host is not null then 'domain' when url is not null then 'url' end as entry_type,
    coalesce(host, url) as entry,
    source_domain,
    {{ domain_key('source_domain') }} as source_domain_key,
    {{ page_key('url') }} as source_page_key,
    exported_at as observed_at
from listed
