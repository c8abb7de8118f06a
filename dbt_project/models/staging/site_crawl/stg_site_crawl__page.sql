with
    pages as (
        select *, {{ page_key('url') }} as page_key
        from {{ source('site_crawl', 'page') }}
        where part = ''
    ),

    -- One page may be asked for under several literal URLs; what answered best stands for it.
    deduplicated as (
        select distinct on (property_key, day, page_key) *
        from pages
        order by
            property_key,
            day,
            page_key,
            (status_code = 200) desc nulls last,
            (url = url_normalised) desc nulls last,
            url
    )

select
    property_key,
    day,
    page_key,
    coalesce(url_normalised, url) as url,
    {{ url_host('url_normalised') }} as host,
    coalesce(final_url_normalised, final_url) as final_url,
    {{ page_key('final_url') }} as final_page_key,
    null::bigint as redirect_page_key,
    null::text as redirect_url,
    status_code,
    final_status_code,
    error as read_error,
    coalesce(cardinality(redirect_urls), 0) as redirect_count,
    depth,
    is_in_sitemap,
    is_robots_allowed,
    coalesce(canonical_url_normalised, canonical_url) as canonical_url,
    {{ page_key('canonical_url') }} as canonical_page_key,
    meta_robots,
    x_robots_tag,
    hreflangs,
    title,
    headings,
    word_count,
    structured_data_types,
    content_type,
    byte_count,
    response_ms,
    content_hash,
    null::integer as inlink_count,
    internal_link_count,
    external_link_count,
    observed_at
from deduplicated
