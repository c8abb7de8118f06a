with
    backlinks as (select * from {{ source('ahrefs', 'backlink') }} where part = ''),

    -- A row that the index dropped says neither that the link is there nor that it was lost.
    told as (
        select *
        from backlinks
        where not coalesce(is_lost and lost_reason is null and drop_reason is not null, false)
    )

select
    property_key,
    day,
    pull,
    item_no,
    coalesce(url_from_normalised, url_from) as source_url,
    {{ page_key('url_from') }} as source_page_key,
    url_from_domain as source_domain,
    {{ domain_key('url_from_domain') }} as source_domain_key,
    url_to as literal_target_url,
    coalesce(url_to_normalised, url_to) as target_url,
    {{ page_key('url_to') }} as target_page_key,
    link_type as item_type,
    array_remove(
        array[
            case when is_nofollow then 'nofollow' end,
            case when is_sponsored then 'sponsored' end,
            case when is_ugc then 'ugc' end
        ],
        null
    ) as rel,
    is_dofollow as is_followed,
    anchor,
    alt as image_alt,
    null::text as image_url,
    title as source_title,
    not coalesce(is_lost, pull = 'lost') as is_live,
    pull = 'full' as is_pair_shown,
    first_seen_link as first_seen_at,
    case when coalesce(is_lost, pull = 'lost') then last_visited end as previous_seen_at,
    case when coalesce(is_lost, pull = 'lost') then last_seen else last_visited end as last_seen_at,
    round(domain_rating_source)::integer as source_domain_authority,
    url_rating_source as source_page_authority,
    lost_reason as loss_reason,
    http_code as source_status_code,
    js_crawl and not http_crawl as is_rendered_only,
    links_external as source_external_link_count,
    null::text as source_network,
    null::text as source_country,
    null::text as source_language,
    null::text as source_platform,
    null::text as place,
    observed_at
from told
