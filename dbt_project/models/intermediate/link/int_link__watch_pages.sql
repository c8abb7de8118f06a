{{ config(materialized='table', indexes=[{'columns': ['property_key', 'event_date', 'page_key'], 'unique': True}]) }}

with
    pages as (
        select property_key, event_date, page_key
        from {{ ref('int_link__freeze_keywords') }}
        union
        select property_key, event_date, page_key
        from {{ ref('int_effect__measure_search_bases') }}
    ),

    last_window as (select max(end_day) as end_day from {{ ref('link_windows') }}),

    dated as ({{ dated_page_changes() }}),

    crawls as (
        select property_key, page_key, day, first_day - 1 as since_day
        from dated
        where kind = 'crawls'
    ),

    -- By their beginnings: two crawlers look back over spans that hold one another.
    joined_crawls as (
        select
            *,
            since_day > max(day) over (
                partition by property_key, page_key
                order by since_day, day
                rows between unbounded preceding and 1 preceding
            ) as is_apart
        from crawls
    ),

    numbered_crawls as (
        select
            *,
            count(*) filter (where is_apart) over (
                partition by property_key, page_key order by since_day, day
            ) as chain_no
        from joined_crawls
    ),

    -- Days over which every change would have been seen.
    chains as (
        select property_key, page_key, chain_no, min(since_day) as first_day, max(day) as last_day
        from numbered_crawls
        group by property_key, page_key, chain_no
    ),

    changes as (select property_key, page_key, first_day, last_day from dated where is_changed),

    next_changes as (
        select
            pages.property_key,
            pages.event_date,
            pages.page_key,
            min(changes.first_day) as change_date
        from pages
        inner join
            changes
            on changes.property_key = pages.property_key
            and changes.page_key = pages.page_key
            and changes.last_day >= pages.event_date - {{ var('change_memory_days') | int }}
            and changes.first_day <= pages.event_date + (select end_day from last_window)
        group by pages.property_key, pages.event_date, pages.page_key
    )

select
    pages.property_key,
    pages.event_date,
    pages.page_key,
    -- First day on which a change of the page that is remembered may have happened.
    next_changes.change_date,
    -- Until when crawls, without a gap since changes are remembered, would have seen one.
    chains.last_day as watched_until_date
from pages
left join
    next_changes
    on next_changes.property_key = pages.property_key
    and next_changes.event_date = pages.event_date
    and next_changes.page_key = pages.page_key
left join
    chains
    on chains.property_key = pages.property_key
    and chains.page_key = pages.page_key
    and chains.first_day <= pages.event_date - {{ var('change_memory_days') | int }}
    and chains.last_day > pages.event_date - {{ var('change_memory_days') | int }}
