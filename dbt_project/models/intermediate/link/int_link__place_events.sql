{{ config(materialized='table', indexes=[{'columns': ['property_key', 'page_key', 'link_date']}]) }}

with
    events as (
        select property_key, target_url_key, event_date, count(*) as event_count
        from {{ ref('fct_link_event') }}
        where event_type in ('acquired', 'lost', 'restored')
        group by property_key, target_url_key, event_date
    ),

    versions as (select * from {{ ref('int_page__version_pages') }}),

    first_versions as (
        select property_key, url_key, min(valid_from_date) as valid_from_date
        from versions
        group by property_key, url_key
    ),

    -- Until its first version a URL is its own page, and without one for ever.
    stays as (
        select
            events.*,
            events.target_url_key as page_key,
            date '-infinity' as from_date,
            coalesce(first_versions.valid_from_date, 'infinity') as to_date
        from events
        left join
            first_versions
            on first_versions.property_key = events.property_key
            and first_versions.url_key = events.target_url_key
        union all
        select events.*, versions.page_key, versions.valid_from_date, versions.valid_to_date
        from events
        inner join
            versions
            on versions.property_key = events.property_key
            and versions.url_key = events.target_url_key
    )

select
    property_key,
    page_key,
    event_date as link_date,
    from_date,
    to_date,
    sum(event_count)::bigint as event_count
from stays
group by property_key, page_key, event_date, from_date, to_date
