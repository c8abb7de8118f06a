{{ config(materialized='table', pre_hook='set local enable_mergejoin = off') }}

with
    -- Three passes over all checks that sort none: what came before a check is asked for few.
    firsts as (
        select
            property_key,
            ranking_page_key as page_key,
            engine,
            min(day) as top100_day,
            min(day) filter (where position <= 10) as top10_day
        from {{ ref('fct_serp_position') }}
        where state = 'found' and position <= 100 and ranking_page_key is not null
        group by property_key, ranking_page_key, engine
    ),

    milestones as (
        select firsts.property_key, firsts.page_key, firsts.engine, milestone.*
        from firsts
        cross join
            lateral(
                values ('top100', 100, firsts.top100_day), ('top10', 10, firsts.top10_day)
            ) as milestone(name, last_position, day)
        where milestone.day is not null
    ),

    ranked as (
        select
            milestones.property_key,
            milestones.page_key,
            milestones.engine,
            milestones.name,
            milestones.day,
            checked.keyword_key,
            checked.locale,
            checked.device
        from {{ ref('fct_serp_position') }} as checked
        inner join
            milestones
            on milestones.property_key = checked.property_key
            and milestones.page_key = checked.ranking_page_key
            and milestones.engine = checked.engine
            and milestones.day = checked.day
            and checked.position <= milestones.last_position
        where checked.state = 'found'
    ),

    -- A check that failed or was cut short says nothing of where a page was not.
    preceded as (
        select
            ranked.property_key,
            ranked.page_key,
            ranked.engine,
            ranked.name,
            max(earlier.day) as previous_day
        from {{ ref('fct_serp_position') }} as earlier
        inner join
            ranked
            on ranked.property_key = earlier.property_key
            and ranked.keyword_key = earlier.keyword_key
            and ranked.engine = earlier.engine
            and ranked.locale = earlier.locale
            and ranked.device = earlier.device
            and ranked.day > earlier.day
        where earlier.state in ('found', 'not_found')
        group by ranked.property_key, ranked.page_key, ranked.engine, ranked.name
    )

select
    milestones.property_key,
    milestones.page_key,
    milestones.engine,
    milestones.name as milestone,
    preceded.previous_day as after_date,
    milestones.day as by_date,
    'rank_check' as witness,
    case when preceded.previous_day is null then 'unknown_start' end as reason
from milestones
left join
    preceded
    on preceded.property_key = milestones.property_key
    and preceded.page_key = milestones.page_key
    and preceded.engine = milestones.engine
    and preceded.name = milestones.name
