{{ config(materialized='table') }}

with
    days as (select distinct property_key, witness, day from {{ ref('fct_referral_visit') }}),

    ends as (
        select property_key, witness, max(day) as last_day from days group by property_key, witness
    ),

    placed as (
        select
            days.property_key,
            days.witness,
            days.day,
            date_trunc('week', days.day)::date as week,
            case
                when days.day > ends.last_day - 28
                then 0
                when days.day > ends.last_day - 90
                then 1
                else 2
            end as span_no
        from days
        inner join ends on ends.property_key = days.property_key and ends.witness = days.witness
    )

select property_key, witness, week, span_no, range_agg(daterange(day, day + 1)) as days
from placed
group by property_key, witness, week, span_no
