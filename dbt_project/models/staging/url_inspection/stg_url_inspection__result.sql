with
    results as (
        select *, {{ page_key('url') }} as url_key
        from {{ source('url_inspection', 'result') }}
        where part = ''
    ),

    -- Several literal URLs may be one; of these one that is told of stands for all.
    deduplicated as (
        select distinct on (property_key, day, url_key) *
        from results
        order by
            property_key,
            day,
            url_key,
            (refusal is null) desc,
            (url = url_normalised) desc nulls last,
            url
    )

select
    property_key,
    day,
    coalesce(url_normalised, url) as url,
    url_key,
    'google' as engine,
    case
        verdict when 'PASS' then 'indexed' when 'NEUTRAL' then 'excluded' when 'FAIL' then 'error'
    end as stated_state,
    coverage_state as stated_reason,
    verdict,
    indexing_state,
    robots_txt_state,
    page_fetch_state,
    crawled_as,
    last_crawl_time as last_crawled_at,
    coalesce(google_canonical_normalised, google_canonical) as canonical_url,
    {{ page_key('google_canonical') }} as canonical_url_key,
    coalesce(user_canonical_normalised, user_canonical) as declared_canonical_url,
    {{ page_key('user_canonical') }} as declared_canonical_url_key,
    sitemap as sitemap_urls,
    referring_urls,
    inspection_result_link as inspection_url,
    refusal,
    observed_at
from deduplicated
