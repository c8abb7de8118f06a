{{ config(materialized='table') }}

with
    days as (
        select property_key, day
        from {{ source('ops', 'publication') }} as publication
        where is_current and {{ is_of_kind('publication', ['page_searches']) }}
        union
        -- An export tells of the days of its rows.
        select property_key, day
        from {{ ref('fct_search_page') }}
    ),

    preceded as (
        select
            property_key,
            day,
            lag(day) over (partition by property_key order by day) as previous_day
        from days
    ),

    shown as (
        select
            property_key,
            page_key,
            day,
            case
                when count(position_sum) = count(*) then sum(position_sum) / sum(impressions)
            end as position
        from {{ ref('fct_search_page') }}
        where impressions > 0
        group by property_key, page_key, day
    ),

    firsts as (
        select
            property_key,
            page_key,
            min(day) as shown_day,
            min(day) filter (where position <= 100) as top100_day,
            min(day) filter (where position <= 10) as top10_day
        from shown
        group by property_key, page_key
    ),

    milestones as (
        select
            firsts.property_key, firsts.page_key, milestone.name, milestone.day, milestone.witness
        from firsts
        cross join
            lateral(
                values
                    ('shown', firsts.shown_day, 'impression'),
                    ('top100', firsts.top100_day, 'mean_position'),
                    ('top10', firsts.top10_day, 'mean_position')
            ) as milestone(name, day, witness)
        where milestone.day is not null
    )

select
    milestones.property_key,
    milestones.page_key,
    {{ search_engine() }} as engine,
    milestones.name as milestone,
    preceded.previous_day as after_date,
    milestones.day as by_date,
    milestones.witness,
    case when preceded.previous_day is null then 'unknown_start' end as reason
from milestones
left join
    preceded on preceded.property_key = milestones.property_key and preceded.day = milestones.day
