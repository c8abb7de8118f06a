with backlinks as (select * from {{ source('exports', 'backlink') }})

select
    property_key,
    day,
    part,
    {{ export_vendor('part') }} as vendor,
    coalesce(source_url_normalised, source_url) as source_url,
    {{ page_key('source_url') }} as source_page_key,
    source_url_domain as source_domain,
    {{ domain_key('source_url_domain') }} as source_domain_key,
    target_url as literal_target_url,
    coalesce(target_url_normalised, target_url) as target_url,
    {{ page_key('target_url') }} as target_page_key,
    link_type as item_type,
    anchor,
    case
        when rel is not null then array(select distinct token from unnest(rel) as token order by 1)
    end as rel,
    first_seen as first_seen_date,
    last_seen as last_seen_date,
    lost_on as lost_date,
    coalesce(is_lost, false) as is_lost,
    authority as link_authority,
    domain_authority as source_domain_authority,
    page_title as source_title,
    http_status as source_status_code,
    external_links as source_external_link_count,
    exported_at
from backlinks
