with backlinks as (select * from {{ source('dataforseo_backlinks', 'backlink') }} where part = '')

select
    property_key,
    day,
    pull,
    item_no,
    coalesce(url_from_normalised, url_from) as source_url,
    {{ page_key('url_from') }} as source_page_key,
    coalesce(url_from_domain, domain_from) as source_domain,
    {{ domain_key('coalesce(url_from_domain, domain_from)') }} as source_domain_key,
    url_to as literal_target_url,
    coalesce(url_to_normalised, url_to) as target_url,
    {{ page_key('url_to') }} as target_page_key,
    coalesce(url_to_domain, domain_to) as target_domain,
    item_type,
    -- The vendor leaves attributes out where a link has none; only a followed link is known to
    -- have none.
    case
        when attributes is not null
        then array(select distinct lower(token) from unnest(attributes) as token order by 1)
        when dofollow
        then array[]::text[]
    end as rel,
    dofollow as is_followed,
    anchor,
    alt as image_alt,
    image_url,
    text_pre as text_before,
    text_post as text_after,
    -- What holds text is its main part, whatever it is called.
    case
        when semantic_location in ('header', 'nav', 'footer', 'aside')
        then semantic_location
        when semantic_location is not null
        then 'main'
    end as place,
    links_count as link_count,
    is_new,
    is_lost,
    not coalesce(is_lost, pull = 'lost') as is_live,
    pull = 'full' as is_pair_shown,
    is_broken,
    is_indirect_link as is_indirect,
    original as is_original,
    first_seen as first_seen_at,
    prev_seen as previous_seen_at,
    last_seen as last_seen_at,
    rank as link_authority,
    page_from_rank as source_page_authority,
    domain_from_rank as source_domain_authority,
    backlink_spam_score as spam_score,
    {{ network_of('domain_from_ip') }} as source_network,
    array_to_string(
        array(
            select distinct lower(token)
            from unnest(domain_from_platform_type) as token
            where token <> 'unknown'
            order by 1
        ),
        ' '
    ) as source_platform,
    -- WW is the whole world, and no country.
    case
        when domain_from_country ~ '^[A-Z]{2}$' and domain_from_country <> 'WW'
        then domain_from_country
    end as source_country,
    page_from_title as source_title,
    page_from_status_code as source_status_code,
    lower(page_from_language) as source_language,
    page_from_external_links as source_external_link_count,
    page_from_internal_links as source_internal_link_count,
    url_to_status_code as target_status_code,
    url_to_redirect_target as target_redirect_url,
    observed_at
from backlinks
