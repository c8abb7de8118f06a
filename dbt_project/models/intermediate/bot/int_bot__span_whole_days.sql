with
    whole as (select * from {{ ref('int_bot__list_whole_days') }}),

    -- Days that follow each other keep the distance to their number.
    numbered as (
        select
            *,
            day
            - (row_number() over (partition by property_key order by day))::integer as begin_mark
        from whole
    ),

    spans as (
        select property_key, min(day) as first_day, max(day) as last_day
        from numbered
        group by property_key, begin_mark
    )

select distinct on (property_key) property_key, first_day, last_day
from spans
order by property_key, last_day desc
