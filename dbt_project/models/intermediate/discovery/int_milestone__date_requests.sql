{{ config(materialized='table') }}

with
    hits as (
        select property_key, page_key, day, status_code
        from {{ ref('fct_bot_crawl') }}
        where page_key <> 0 and status_code in (200, 404, 410)
    ),

    firsts as (
        select property_key, page_key, min(day) as by_date
        from hits
        where status_code = 200
        group by property_key, page_key
    ),

    -- That nobody asked for a page says nothing of it; that it was not found, does.
    missed as (
        select hits.property_key, hits.page_key, max(hits.day) as after_date
        from hits
        inner join
            firsts
            on firsts.property_key = hits.property_key
            and firsts.page_key = hits.page_key
            and hits.day < firsts.by_date
        group by hits.property_key, hits.page_key
    )

select
    firsts.property_key,
    firsts.page_key,
    'any' as engine,
    'published' as milestone,
    missed.after_date,
    firsts.by_date,
    'log' as witness,
    case when missed.after_date is null then 'unknown_start' end as reason
from firsts
left join missed on missed.property_key = firsts.property_key and missed.page_key = firsts.page_key
