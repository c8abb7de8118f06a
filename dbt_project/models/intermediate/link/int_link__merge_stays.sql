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
    )

    {{ merged_lives('placed', ['property_key', 'page_key', 'linking_key', 'rel_class', 'from_date', 'to_date']) }}
