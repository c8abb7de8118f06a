with
    looks as ({{ link_looks() }}),

    told as (
        select property_key, last_day as day
        from looks
        union all
        select property_key, (observed_at at time zone 'UTC')::date
        from {{ ref('int_relation__read_placements') }}
        union all
        select property_key, (observed_at at time zone 'UTC')::date
        from {{ ref('int_relation__read_touches') }}
    )

select property_key, max(day) as as_of_date
from told
group by property_key
