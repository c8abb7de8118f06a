with
    listed as (
        select *, {{ page_key('url') }} as url_key, {{ page_key('sitemap_url') }} as sitemap_url_key
        from {{ source('site_crawl', 'sitemap_url') }}
        where part = ''
    ),

    -- Several literal URLs may be one; the newest date stands for it.
    deduplicated as (
        select distinct on (property_key, day, sitemap_url_key, url_key) *
        from listed
        order by
            property_key, day, sitemap_url_key, url_key, lastmod_date desc nulls last, lastmod, url
    )

select
    property_key,
    day,
    coalesce(sitemap_url_normalised, sitemap_url) as sitemap_url,
    sitemap_url_key,
    coalesce(url_normalised, url) as url,
    url_key,
    lastmod as literal_modified_date,
    lastmod_date as modified_date,
    observed_at
from deduplicated
