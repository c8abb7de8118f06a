with
    backlinks as (select * from {{ source('exports', 'backlink') }}),

    -- An export tells of the day of a loss and of the last sight before it. A loss after the day
    -- that the row speaks of is none on that day.
    told as (
        select *, not (coalesce(is_lost, false) and coalesce(lost_on <= day, true)) as is_live
        from backlinks
    )

select
    property_key,
    day,
    part,
    coalesce(source_url_normalised, source_url) as source_url,
    {{ page_key('source_url') }} as source_page_key,
    source_url_domain as source_domain,
    {{ domain_key('source_url_domain') }} as source_domain_key,
    target_url as literal_target_url,
    coalesce(target_url_normalised, target_url) as target_url,
    {{ page_key('target_url') }} as target_page_key,
    link_type as item_type,
    anchor,
    null::text as image_alt,
    null::text as image_url,
    case
        when rel is not null then array(select distinct token from unnest(rel) as token order by 1)
    end as rel,
    null::boolean as is_followed,
    first_seen::timestamp at time zone 'UTC' as first_seen_at,
    case when not is_live then last_seen::timestamp at time zone 'UTC' end as previous_seen_at,
    case when is_live then last_seen else lost_on end::timestamp
    at time zone 'UTC' as last_seen_at,
    is_live,
    true as is_pair_shown,
    authority as link_authority,
    round(domain_authority)::integer as source_domain_authority,
    page_title as source_title,
    http_status as source_status_code,
    external_links as source_external_link_count,
    null::text as source_network,
    null::text as source_country,
    null::text as source_language,
    null::text as source_platform,
    null::text as place,
    exported_at as observed_at
from told
