{{ config(materialized='table') }}

with
    -- The last visit of the month to each link.
    looks as (
        select distinct
            on (property_key, link_key, date_trunc('month', day::timestamp))
            property_key,
            date_trunc('month', day::timestamp)::date as month,
            grade
        from {{ ref('fct_link_check') }}
        where is_asked and is_expected
        order by property_key, link_key, date_trunc('month', day::timestamp), day desc
    )

select
    property_key,
    month,
    count(*) as asked_count,
    count(*) filter (where grade = 'js_only') as scripted_count
from looks
group by property_key, month
