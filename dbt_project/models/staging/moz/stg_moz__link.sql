with links as (select * from {{ source('moz', 'link') }} where part = '')

select
    property_key,
    day,
    item_no,
    coalesce(source_page_normalised, source_page) as source_url,
    {{ page_key('source_page') }} as source_page_key,
    coalesce(source_page_domain, source_root_domain) as source_domain,
    {{ domain_key('coalesce(source_page_domain, source_root_domain)') }} as source_domain_key,
    target_page as literal_target_url,
    coalesce(target_page_normalised, target_page) as target_url,
    {{ page_key('target_page') }} as target_page_key,
    case when redirect then 'redirect' when rel_canonical then 'canonical' end as item_type,
    case when nofollow then array['nofollow'] when not nofollow then array[]::text[] end as rel,
    not nofollow as is_followed,
    anchor_text as anchor,
    null::text as image_alt,
    null::text as image_url,
    source_title,
    coalesce(date_last_seen > date_disappeared, date_disappeared is null) as is_live,
    true as is_pair_shown,
    date_first_seen::timestamp at time zone 'UTC' as first_seen_at,
    case
        when date_disappeared >= date_last_seen then date_last_seen::timestamp at time zone 'UTC'
    end as previous_seen_at,
    greatest(date_last_seen, date_disappeared)::timestamp at time zone 'UTC' as last_seen_at,
    source_page_authority,
    source_domain_authority,
    source_spam_score as spam_score,
    source_http_code as source_status_code,
    target_http_code as target_status_code,
    via_redirect or via_rel_canonical as is_indirect,
    observed_at
from links
