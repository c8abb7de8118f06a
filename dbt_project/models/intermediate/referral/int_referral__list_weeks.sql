{{ config(materialized='table') }}

with
    days as (select distinct property_key, witness, day from {{ ref('fct_referral_visit') }}),

    placed as (
        select
            days.property_key,
            days.witness,
            days.day,
            date_trunc('week', days.day)::date as week,
            -- The shortest span that holds it.
            3 - count(*)::integer as span_no
        from days
        inner join
            {{ ref('int_referral__list_spans') }} as spans
            on spans.property_key = days.property_key
            and spans.witness = days.witness
            and days.day >= spans.first_day
        group by days.property_key, days.witness, days.day
    )

select property_key, witness, week, span_no, range_agg(daterange(day, day + 1)) as days
from placed
group by property_key, witness, week, span_no
