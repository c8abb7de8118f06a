with
    links as (select * from {{ source('majestic', 'link') }} where part = ''),

    told as (
        select *, not (coalesce(flag_deleted, false) or date_lost is not null) as is_live from links
    )

select
    property_key,
    day,
    item_no,
    coalesce(source_url_normalised, source_url) as source_url,
    {{ page_key('source_url') }} as source_page_key,
    source_url_domain as source_domain,
    {{ domain_key('source_url_domain') }} as source_domain_key,
    target_url as literal_target_url,
    coalesce(target_url_normalised, target_url) as target_url,
    {{ page_key('target_url') }} as target_page_key,
    case
        when flag_mention
        then 'mention'
        when flag_redirect
        then 'redirect'
        when flag_frame
        then 'frame'
        when flag_images
        then 'image'
    end as item_type,
    case
        when flag_no_follow then array['nofollow'] when not flag_no_follow then array[]::text[]
    end as rel,
    not flag_no_follow as is_followed,
    anchor_text as anchor,
    null::text as image_alt,
    null::text as image_url,
    null::text as source_title,
    is_live,
    true as is_pair_shown,
    first_indexed_date::timestamp at time zone 'UTC' as first_seen_at,
    case when not is_live then last_seen_date::timestamp at time zone 'UTC' end as previous_seen_at,
    case when is_live then last_seen_date else date_lost end::timestamp at time zone 'UTC'
    as last_seen_at,
    null::integer as source_domain_authority,
    source_trust_flow as source_page_trust,
    source_citation_flow as source_page_citation,
    reason_lost as loss_reason,
    null::text as source_network,
    null::text as source_country,
    null::text as source_language,
    null::text as source_platform,
    null::text as place,
    observed_at
from told
