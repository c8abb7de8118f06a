with sitemaps as (select * from {{ source('google_sitemaps', 'sitemap') }} where part = '')

select
    property_key,
    day,
    coalesce(path_normalised, path) as sitemap_url,
    {{ page_key('path') }} as sitemap_url_key,
    coalesce(sitemap_index_normalised, sitemap_index) as index_url,
    type as sitemap_type,
    coalesce(is_sitemaps_index, false) as is_index,
    coalesce(is_pending, false) as is_pending,
    last_submitted as last_submitted_at,
    last_downloaded as last_downloaded_at,
    warnings as warning_count,
    errors as error_count,
    contents,
    observed_at
from sitemaps
