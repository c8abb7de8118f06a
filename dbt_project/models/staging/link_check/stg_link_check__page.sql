with
    pages as (
        select *, {{ page_key('url') }} as source_page_key
        from {{ source('link_check', 'page') }}
        where part = ''
    ),

    -- Two literal URLs may be one page; the one that came stands for it.
    deduplicated as (
        select distinct on (property_key, day, source_page_key) *
        from pages
        order by property_key, day, source_page_key, is_asked desc, (outcome = 'came') desc, url
    )

select
    property_key,
    day,
    source_page_key,
    coalesce(url_normalised, url) as source_url,
    url_domain as source_domain,
    {{ domain_key('url_domain') }} as source_domain_key,
    {{ url_host('url_normalised') }} as host,
    due_reason,
    is_asked,
    outcome,
    status_code,
    coalesce(final_url_normalised, final_url) as final_url,
    cardinality(redirect_urls) as redirect_count,
    robots_state,
    coalesce(canonical_url_normalised, canonical_url) as canonical_url,
    content_hash,
    tag_ids,
    link_count as property_link_count,
    response_ms,
    observed_at
from deduplicated
