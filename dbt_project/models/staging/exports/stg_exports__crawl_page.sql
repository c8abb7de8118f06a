with
    pages as (
        select *, {{ page_key('url') }} as page_key from {{ source('exports', 'crawl_page') }}
    ),

    -- One page may stand in several files and under several literal URLs; the later export, then
    -- what answered best, stands for it.
    deduplicated as (
        select distinct on (property_key, day, page_key) *
        from pages
        order by
            property_key,
            day,
            page_key,
            exported_at desc,
            (status_code = 200) desc nulls last,
            (url = url_normalised) desc nulls last,
            url,
            part
    )

select
    property_key,
    day,
    part,
    page_key,
    coalesce(url_normalised, url) as url,
    nullif(status_code, 0) as status_code,
    {%- for name, column in [
        ('final_status_code', 'nullif(status_code, 0)'), ('final_page_key', 'page_key'),
        ('final_url', 'coalesce(url_normalised, url)'),
    ] %}
        case when status_code not between 300 and 399 then {{ column }} end as {{ name }},
    {%- endfor %}
    coalesce(redirect_url_normalised, redirect_url) as redirect_url,
    {{ page_key('redirect_url') }} as redirect_page_key,
    null::integer as redirect_count,
    null::text as read_error,
    null::boolean as is_in_sitemap,
    coalesce(canonical_url_normalised, canonical_url) as canonical_url,
    {{ page_key('canonical_url') }} as canonical_page_key,
    -- The crawler's own word; whether robots.txt forbids the URL is told nowhere else.
    coalesce(
        lower(indexability_status) not like '%blocked by robots.txt%', true
    ) as is_robots_allowed,
    {%- for directives in ['meta_robots', 'x_robots_tag'] %}
        case
            when {{ directives }} is not null
            then regexp_split_to_array(lower(trim({{ directives }})), '\s*,\s*')
        end as {{ directives }},
    {%- endfor %}
    title,
    word_count,
    null::text[] as structured_data_types,
    null::jsonb as hreflangs,
    content_type,
    size_bytes as byte_count,
    1000 * response_seconds as response_ms,
    content_hash,
    crawl_depth as depth,
    unique_inlinks as inlink_count,
    outlinks as internal_link_count,
    external_outlinks as external_link_count,
    exported_at as observed_at
from deduplicated
