{{ config(materialized='table') }}

with
    -- A check that failed or was cut short says nothing of where a page was not.
    checks as (
        select
            property_key,
            engine,
            day,
            ranking_page_key as page_key,
            position,
            lag(day) over (
                partition by property_key, keyword_key, engine, locale, device order by day
            ) as previous_day
        from {{ ref('fct_serp_position') }}
        where state in ('found', 'not_found')
    ),

    ranked as (
        select checks.*, milestone.name
        from checks
        inner join
            (values ('top100', 100), ('top10', 10)) as milestone(name, last_position)
            on checks.position <= milestone.last_position
        where checks.page_key is not null
    ),

    firsts as (
        select distinct
            on (property_key, page_key, engine, name)
            property_key,
            page_key,
            engine,
            name,
            previous_day,
            day
        from ranked
        order by property_key, page_key, engine, name, day, previous_day desc nulls last
    )

select
    property_key,
    page_key,
    engine,
    name as milestone,
    previous_day as after_date,
    day as by_date,
    'rank_check' as witness,
    case when previous_day is null then 'unknown_start' end as reason
from firsts
