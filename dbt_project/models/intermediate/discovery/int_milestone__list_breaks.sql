{{ config(materialized='table') }}

with
    -- A day of which one stream is not whole is not known.
    days as (
        select property_key, day, bool_and(is_whole) as is_whole
        from {{ ref('fct_log_day') }}
        group by property_key, day
    )

select property_key, 'visited' as milestone, day
from days
where not is_whole
