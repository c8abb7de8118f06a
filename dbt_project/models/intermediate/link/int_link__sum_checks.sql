{{ config(materialized='table', indexes=[{'columns': ['property_key', 'link_key']}]) }}

with
    checks as (select * from {{ ref('fct_link_check') }} where is_asked),

    sums as (
        select
            property_key,
            link_key,
            max(day) as last_visit_day,
            (array_agg(grade order by day desc))[1] as last_grade,
            (array_agg(checked_at order by day desc))[1] as last_checked_at
        from checks
        group by property_key, link_key
    ),

    open_runs as (select * from {{ ref('int_link__judge_misses') }} where returned_day is null),

    last_words as (
        select distinct on (property_key, link_key) property_key, link_key, rel, anchor, place
        from checks
        where presence = 'present' and found_url is null
        order by property_key, link_key, day desc
    )

select
    sums.property_key,
    sums.link_key,
    sums.last_visit_day,
    sums.last_grade,
    sums.last_checked_at,
    coalesce(open_runs.miss_count, 0) as miss_count,
    open_runs.last_miss_day,
    coalesce(open_runs.needed_count, 3) as needed_count,
    coalesce(open_runs.is_intermittent, false) as is_intermittent,
    last_words.rel,
    last_words.anchor,
    last_words.place
from sums
left join
    open_runs on open_runs.property_key = sums.property_key and open_runs.link_key = sums.link_key
left join
    last_words
    on last_words.property_key = sums.property_key
    and last_words.link_key = sums.link_key
