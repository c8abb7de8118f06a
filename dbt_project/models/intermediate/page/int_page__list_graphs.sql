{{ config(materialized='table') }}

with
    published as (
        select
            *,
            {{ is_of_kind('publication', ['crawls'], is_export=false) }} as is_of_pages,
            {{ is_of_kind('publication', ['crawl_links'], is_export=false) }} as is_of_links
        from {{ ref('stg_ops__publication') }} as publication
    ),

    crawls as (
        select property_key, day, max(published_at) as published_at
        from published
        where is_of_pages or is_of_links
        group by property_key, day
        having bool_or(is_of_pages) and bool_or(is_of_links)
    )

-- The last of each month.
select distinct
    on (property_key, date_trunc('month', day::timestamp)) property_key, day, published_at
from crawls
order by property_key, date_trunc('month', day::timestamp), day desc
