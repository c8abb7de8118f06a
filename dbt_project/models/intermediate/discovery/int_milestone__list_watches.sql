{{ config(materialized='table') }}

with
    searches as (
        select property_key, min(day) as first_day, max(day) as last_day
        from
            (
                select property_key, day
                from {{ source('ops', 'publication') }} as publication
                where is_current and {{ is_of_kind('publication', ['page_searches']) }}
                union all
                select property_key, day
                from {{ ref('fct_search_page') }}
            ) as told
        group by property_key
    ),

    checks as (
        select property_key, engine, min(day) as first_day, max(day) as last_day
        from {{ ref('fct_serp_position') }}
        where state in ('found', 'not_found')
        group by property_key, engine
    ),

    logs as (
        select property_key, min(day) as first_day, max(day) filter (where is_whole) as last_day
        from {{ ref('fct_log_day') }}
        group by property_key
    ),

    -- Engines whose crawlers ever came: one that no list tells apart is never seen to.
    visitors as (
        select property_key, engine
        from {{ ref('int_milestone__date_visits') }}
        group by property_key, engine
    ),

    watches as (
        select
            searches.property_key,
            {{ search_engine() }} as engine,
            told.milestone,
            searches.first_day,
            searches.last_day
        from searches
        cross join (values ('shown'), ('top100'), ('top10')) as told(milestone)
        union all
        select checks.property_key, checks.engine, told.milestone, checks.first_day, checks.last_day
        from checks
        cross join (values ('top100'), ('top10')) as told(milestone)
        union all
        select
            visitors.property_key,
            visitors.engine,
            'visited' as milestone,
            logs.first_day,
            logs.last_day
        from visitors
        inner join logs on logs.property_key = visitors.property_key
        where logs.last_day is not null
    )

select
    property_key,
    engine,
    milestone,
    min(first_day) as first_day,
    max(last_day) as last_day,
    -- Who was not visited on the logs' first day may have been before; who is not shown was not.
    milestone = 'visited' as is_of_later_pages
from watches
group by property_key, engine, milestone
