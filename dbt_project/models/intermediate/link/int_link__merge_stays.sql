{{ config(materialized='table', indexes=[{'columns': ['property_key', 'page_key']}]) }}

with
    lives as ({{ link_lives() }}),

    versions as (select * from {{ ref('int_page__version_pages') }}),

    first_versions as (
        select property_key, url_key, min(valid_from_date) as valid_from_date
        from versions
        group by property_key, url_key
    ),

    -- Until its first version a URL is its own page, and without one for ever.
    placed as (
        select
            lives.*,
            lives.target_url_key as page_key,
            date '-infinity' as from_date,
            coalesce(first_versions.valid_from_date, 'infinity') as to_date
        from lives
        left join
            first_versions
            on first_versions.property_key = lives.property_key
            and first_versions.url_key = lives.target_url_key
        where lives.target_url_key is not null
        union all
        select lives.*, versions.page_key, versions.valid_from_date, versions.valid_to_date
        from lives
        inner join
            versions
            on versions.property_key = lives.property_key
            and versions.url_key = lives.target_url_key
    ),

    -- Lives that overlap or touch are one stay of the domain: what comes or goes within it
    -- changes nothing.
    compared as (
        select
            *,
            begin_date > max(end_date) over (
                partition by property_key, page_key, linking_key, rel_class, from_date, to_date
                order by begin_date, end_date
                rows between unbounded preceding and 1 preceding
            ) as is_apart
        from placed
    ),

    numbered as (
        select
            *,
            count(*) filter (where is_apart) over (
                partition by property_key, page_key, linking_key, rel_class, from_date, to_date
                order by begin_date, end_date
            ) as stay_no
        from compared
    )

select
    property_key,
    page_key,
    linking_key,
    rel_class,
    from_date,
    to_date,
    min(begin_date) as begin_date,
    max(end_date) as end_date
from numbered
group by property_key, page_key, linking_key, rel_class, from_date, to_date, stay_no
