with
    stated as (
        select property_key, keyword_key, page_key
        from {{ ref('int_serp__state_keywords') }}
        where page_key is not null
    ),

    versions as (select * from {{ ref('int_page__version_pages') }}),

    first_versions as (
        select property_key, url_key, min(valid_from_date) as valid_from_date
        from versions
        group by property_key, url_key
    ),

    -- Until its first version a URL is its own page, and without one for ever.
    placed as (
        select
            stated.property_key,
            stated.keyword_key,
            stated.page_key,
            date '-infinity' as from_date,
            coalesce(first_versions.valid_from_date, 'infinity') as to_date
        from stated
        left join
            first_versions
            on first_versions.property_key = stated.property_key
            and first_versions.url_key = stated.page_key
        union all
        select
            stated.property_key,
            stated.keyword_key,
            versions.page_key,
            versions.valid_from_date,
            versions.valid_to_date
        from stated
        inner join
            versions
            on versions.property_key = stated.property_key
            and versions.url_key = stated.page_key
    )

select placed.*, pages.topic
from placed
inner join
    {{ ref('dim_page') }} as pages
    on pages.property_key = placed.property_key
    and pages.page_key = placed.page_key
