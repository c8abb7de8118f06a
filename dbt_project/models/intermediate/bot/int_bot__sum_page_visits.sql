{%- set window_days = 28 %}
{{ config(materialized='table') }}

with
    -- The newest days of which it is known who did not come.
    recent as (
        select property_key, min(day) as first_day
        from
            (
                select
                    property_key,
                    day,
                    row_number() over (partition by property_key order by day desc) as day_no
                from {{ ref('int_bot__list_whole_days') }}
            ) as numbered
        where day_no <= {{ window_days }}
        group by property_key
        having count(*) = {{ window_days }}
    )

select
    visit.property_key,
    visit.page_key,
    min(visit.url) filter (where visit.url_key = visit.page_key) as url,
    max(visit.day) as last_visit_day,
    recent.first_day as recent_from_day,
    sum(visit.hit_count) filter (where visit.day >= recent.first_day)::bigint as recent_visit_count,
    coalesce(
        bool_or(visit.visit_kind = 'orphan') filter (where visit.day >= recent.first_day), false
    ) as is_visited_orphan
from {{ ref('fct_bot_crawl') }} as visit
inner join
    {{ ref('dim_bot') }} as bots
    on bots.bot = visit.bot
    and bots.operator = visit.operator
    and bots.is_index_crawler
left join recent on recent.property_key = visit.property_key
where visit.verdict = 'verified' and visit.status_code in (200, 304) and visit.page_key <> 0
group by visit.property_key, visit.page_key, recent.first_day
