with links as (select * from {{ source('bing_webmaster', 'link') }} where part = '')

select
    property_key,
    day,
    item_no,
    coalesce(url_normalised, url) as source_url,
    {{ page_key('url') }} as source_page_key,
    url_domain as source_domain,
    {{ domain_key('url_domain') }} as source_domain_key,
    target_url as literal_target_url,
    coalesce(target_url_normalised, target_url) as target_url,
    {{ page_key('target_url') }} as target_page_key,
    null::text as item_type,
    null::text[] as rel,
    null::boolean as is_followed,
    anchor_text as anchor,
    null::text as image_alt,
    null::text as image_url,
    null::text as source_title,
    true as is_live,
    true as is_pair_shown,
    null::timestamptz as first_seen_at,
    null::timestamptz as previous_seen_at,
    null::timestamptz as last_seen_at,
    null::integer as source_domain_authority,
    observed_at
from links
